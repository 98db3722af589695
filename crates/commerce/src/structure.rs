//! The house rules a machine can check: which module may use which.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules in reading order: each may use those above it, never those below.
const READING_ORDER: &[&str] = &[
    "error",
    "fold",
    "lookup",
    "index",
    "ports",
    "staff",
    "shop",
    "schema",
    "event",
    "audit",
    "keys",
    "settings",
    "accounts",
    "media",
    "inventory",
    "catalog",
    "search",
    "tax",
    "delivery",
    "opening",
    "carts",
    "payments",
    "customers",
    "orders",
    "notifications",
    "checkout",
    "figures",
    "jump",
    "reactions",
    "jobs",
    "verify",
    "testing",
    "fuzzing",
];

/// What the crate's root passes on, and from where.
const PASSED_ON: &[(&str, &str)] = &[
    ("Internal", "error"),
    ("internal_from", "error"),
    ("MIGRATIONS", "schema"),
    ("Act", "shop"),
    ("Shop", "shop"),
    ("Shopper", "shop"),
    ("Actor", "staff"),
    ("on_both", "testing"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            files_in(&path, found);
        } else if Path::new(&name).extension().is_some_and(|end| end == "rs") && name != "tests.rs"
        {
            found.push(path);
        }
    }
}

/// The file's code without comments, and without its tests, which may use anything.
fn code_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// The names that follow `crate::` in this code: one, or those of a list in braces.
fn names_after_crate(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(first_word(rest).to_owned());
            continue;
        };
        let (mut depth, mut item) = (1, String::new());
        for c in list.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth == 0 || (depth == 1 && c == ',') {
                names.insert(first_word(&item).to_owned());
                item.clear();
            } else {
                item.push(c);
            }
            if depth == 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

fn place_of(module: &str) -> Option<usize> {
    READING_ORDER.iter().position(|name| *name == module)
}

#[test]
fn every_module_stands_in_the_reading_order() {
    let declared: BTreeSet<String> = code_of(&source().join("lib.rs"))
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
        .map(|rest| first_word(rest).to_owned())
        .filter(|name| name != "structure" && name != "model")
        .collect();
    let ordered: BTreeSet<String> = READING_ORDER.iter().map(ToString::to_string).collect();
    assert_eq!(declared, ordered);
}

#[test]
fn a_module_uses_only_those_above_it() {
    let mut files = Vec::new();
    files_in(&source(), &mut files);
    assert!(files.len() > 40, "the files were found");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in files {
        let inside = path.strip_prefix(source()).unwrap();
        let first = inside.components().next().unwrap().as_os_str();
        let module = first.to_string_lossy().trim_end_matches(".rs").to_owned();
        if ["lib", "structure", "model"].contains(&module.as_str()) {
            continue;
        }
        let here = place_of(&module).unwrap_or_else(|| panic!("{module} has no place"));
        for name in names_after_crate(&code_of(&path)) {
            let passed_on = PASSED_ON.iter().find(|(word, _)| *word == name);
            let used = passed_on.map_or(name.as_str(), |(_, module)| module);
            let there =
                place_of(used).unwrap_or_else(|| panic!("{}: crate::{name}?", inside.display()));
            count += 1;
            if there > here {
                wrong.push(format!(
                    "{} uses {used}, which stands below it",
                    inside.display()
                ));
            }
        }
    }
    assert!(count > 100, "the uses were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A function's signature and body, as text.
struct Function {
    name: String,
    signature: String,
    body: String,
}

/// The functions of this code whose text begins at the left edge or inside an `impl`; a body ends where its braces do.
fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        let rest = &code[start + 3..];
        let Some(open) = rest
            .find(['{', ';'])
            .filter(|at| rest[*at..].starts_with('{'))
        else {
            continue;
        };
        let mut depth = 0;
        let end = rest[open..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (depth == 0).then_some(open + at)
        });
        found.push(Function {
            name: first_word(rest).to_owned(),
            signature: rest[..open].to_owned(),
            body: rest[open..end.unwrap_or(rest.len())].to_owned(),
        });
    }
    found
}

/// What a function that is called by a person does wrong with regard to the audit trail, if anything.
///
/// Either it writes through the trail, or it only reads, or it hands the proof on to a function that is looked at as well.
fn unaudited(function: &Function, proof: &str) -> Option<&'static str> {
    let Function { body, .. } = function;
    let squeezed: String = body.split_whitespace().collect();
    let audited = squeezed.contains("audit::change(");
    if squeezed.contains(".db.write(") {
        return Some("writes past the audit trail");
    }
    if squeezed.contains(".actor()") && !audited {
        return Some("acts for somebody and leaves no row");
    }
    let hands_on = [",", ")"]
        .iter()
        .any(|end| squeezed.contains(&format!(",{proof}{end}")));
    if !audited && !hands_on && !squeezed.contains(".db.read(") {
        return Some("takes a proof and does nothing with it");
    }
    None
}

#[test]
fn whatever_a_person_may_call_writes_through_the_audit_trail() {
    let mut files = Vec::new();
    files_in(&source(), &mut files);
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in files {
        let inside = path.strip_prefix(source()).unwrap().to_owned();
        let apart = ["staff", "testing", "structure.rs", "model.rs"];
        if apart.iter().any(|name| inside.starts_with(name)) {
            continue;
        }
        for function in functions(&code_of(&path)) {
            let mark = [": Authorized<", ": &Authorized<", ": &SignedIn"]
                .into_iter()
                .find(|mark| function.signature.contains(mark));
            let Some(mark) = mark else { continue };
            let before = function.signature.split(mark).next().unwrap();
            let proof = before
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            count += 1;
            // To be noted as there is no doing of theirs, and what is only begun is kept nowhere.
            if ["touch", "begin_second_factor"].contains(&function.name.as_str()) {
                continue;
            }
            if let Some(what) = unaudited(&function, proof.unwrap()) {
                wrong.push(format!("{}: {} {what}", inside.display(), function.name));
            }
        }
    }
    assert!(count > 25, "the functions were found: {count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_forgotten_row_is_found() {
    let look = |body: &str| {
        let code =
            format!("pub async fn save(shop: &Shop, by: Authorized<P>, cmd: C) -> R {{ {body} }}");
        unaudited(&functions(&code)[0], "by")
    };
    assert_eq!(
        look("audit::change(shop, shop.act(by.actor()), |tx, act| save(tx)).await"),
        None
    );
    assert_eq!(look("other(shop, by, cmd).await"), None);
    assert_eq!(look("shop.db.read(move |tx| list(tx)).await"), None);
    assert!(
        look("let act = shop.act(by.actor()); shop\n.db\n.write(move |tx| save(tx, &act)).await")
            .is_some()
    );
    assert!(
        look("audit::change(shop, act, f).await; shop.db.write(move |tx| more(tx)).await")
            .is_some()
    );
    assert!(look("let act = shop.act(by.actor()); save_apart(shop, act, cmd).await").is_some());
    assert!(look("save_apart(shop, cmd).await").is_some());
}
