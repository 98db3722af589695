// Writes locales/countries.en.json: the English name of every country, from the CLDR data inside Node.
//
//     node tools/country-names.mjs en > locales/countries.en.json
import { readFileSync } from "node:fs";

const locale = process.argv[2] ?? "en";
const table = readFileSync(new URL("../crates/kernel/src/country/codes.rs", import.meta.url), "utf8");
const codes = [...table.matchAll(/"([A-Z]{2})"/g)].map((found) => found[1]);
const long = new Intl.DisplayNames([locale], { type: "region", fallback: "none" });
const short = new Intl.DisplayNames([locale], { type: "region", style: "short", fallback: "none" });
// "Hong Kong", not "Hong Kong SAR China"; the short form of others would be "US" and "Bosnia".
const brief = new Set(["HK", "MM", "MO", "PS"]);
const entries = codes.map((code) => {
  const name = (brief.has(code) ? short : long).of(code);
  if (!name) throw new Error(`CLDR has no ${locale} name for ${code}`);
  return [`country.${code}`, name];
});
console.log(JSON.stringify(Object.fromEntries(entries), null, 2));
