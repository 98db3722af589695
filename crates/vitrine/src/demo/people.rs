//! The demo shop's customers. Invented, every one.

/// Somebody who buys.
#[derive(Debug)]
pub(super) struct Person {
    /// Their name.
    pub(super) name: &'static str,
    /// Street and number.
    pub(super) line1: &'static str,
    /// Postcode.
    pub(super) postcode: &'static str,
    /// City.
    pub(super) city: &'static str,
    /// Country, by its code.
    pub(super) country: &'static str,
}

impl Person {
    /// Their address, at a domain that never receives mail (RFC 2606).
    pub(super) fn email(&self) -> String {
        let plain: String = self
            .name
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '.' })
            .collect();
        let parts: Vec<&str> = plain.split('.').filter(|part| !part.is_empty()).collect();
        format!("{}@example.com", parts.join("."))
    }
}

macro_rules! people {
    ($(($name:literal, $line1:literal, $postcode:literal, $city:literal, $country:literal)),+ $(,)?) => {
        /// Everybody.
        pub(super) const PEOPLE: &[Person] =
            &[$(Person { name: $name, line1: $line1, postcode: $postcode, city: $city, country: $country }),+];
    };
}

people! {
    ("Noor de Wit", "Prinsengracht 112", "1015 EA", "Amsterdam", "NL"),
    ("Sem Bakker", "Oudegracht 231", "3511 NK", "Utrecht", "NL"),
    ("Fleur Jansen", "Witte de Withstraat 18", "3012 BP", "Rotterdam", "NL"),
    ("Daan Visser", "Grote Markt 4", "9712 HN", "Groningen", "NL"),
    ("Lotte Smit", "Vismarkt 9", "2312 BP", "Leiden", "NL"),
    ("Bram Mulder", "Korenmarkt 22", "6811 GV", "Arnhem", "NL"),
    ("Yara Haddad", "Javastraat 77", "1094 HB", "Amsterdam", "NL"),
    ("Thijs Peters", "Markt 31", "5611 EC", "Eindhoven", "NL"),
    ("Saar Hendriks", "Boschstraat 5", "6211 AS", "Maastricht", "NL"),
    ("Milan Kok", "Lange Voorhout 40", "2514 EG", "Den Haag", "NL"),
    ("Greta Lindner", "Oranienstraße 24", "10999", "Berlin", "DE"),
    ("Jonas Weber", "Wasserstraße 8", "48147", "Münster", "DE"),
    ("Hanna Vogt", "Eimsbütteler Chaussee 61", "20259", "Hamburg", "DE"),
    ("Emil Krause", "Südstraße 15", "04275", "Leipzig", "DE"),
    ("Clara Brandt", "Gereonswall 3", "50668", "Köln", "DE"),
    ("Mats Claes", "Sint-Jacobsmarkt 12", "2000", "Antwerpen", "BE"),
    ("Elise Dubois", "Rue de Flandre 45", "1000", "Bruxelles", "BE"),
    ("Wout Maes", "Veldstraat 19", "9000", "Gent", "BE"),
    ("Camille Moreau", "12 rue des Teinturiers", "84000", "Avignon", "FR"),
    ("Luc Girard", "5 quai de la Douane", "29200", "Brest", "FR"),
    ("Anna Sørensen", "Jægersborggade 27", "2200", "København", "DK"),
    ("Elin Nyström", "Hornsgatan 58", "118 21", "Stockholm", "SE"),
    ("Paula Wagner", "Neubaugasse 44", "1070", "Wien", "AT"),
    ("Marta Nowak", "ul. Mokotowska 20", "00-561", "Warszawa", "PL"),
}
