//! One migration text in the words of either database.

/// The text for SQLite: its own names of the types, booleans checked, every table STRICT.
pub(super) fn for_sqlite(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut context = Context::default();
    for token in tokens(sql) {
        context.see(&token);
        match &token {
            Token::Word(word) if word.eq_ignore_ascii_case("BIGINT") => out.push_str("INTEGER"),
            Token::Word(word) if word.eq_ignore_ascii_case("BYTEA") => out.push_str("BLOB"),
            Token::Word(word) if word.eq_ignore_ascii_case("BOOLEAN") => {
                out.push_str("INTEGER");
                if let Some(column) = context.column() {
                    out.extend([" CHECK (", column, " IN (0, 1))"]);
                }
            }
            Token::Mark(')') if context.closes_table() => out.push_str(") STRICT"),
            Token::Word(_) | Token::Quoted(_) | Token::Other(_) | Token::Mark(_) => {
                token.write(&mut out);
            }
        }
        context.remember(&token);
    }
    out
}

/// The text for PostgreSQL: text columns ordered by their bytes, whatever the database was created with.
pub(super) fn for_postgres(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut context = Context::default();
    for token in tokens(sql) {
        context.see(&token);
        token.write(&mut out);
        if matches!(&token, Token::Word(word) if word.eq_ignore_ascii_case("TEXT"))
            && context.column().is_some()
        {
            out.push_str(" COLLATE \"C\"");
        }
        context.remember(&token);
    }
    out
}

/// As much of SQL's grammar as telling a type from a text takes.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A keyword, a name, a number.
    Word(&'a str),
    /// A quoted name.
    Quoted(&'a str),
    /// A string, a comment, space.
    Other(&'a str),
    /// Punctuation.
    Mark(char),
}

impl Token<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Token::Word(text) | Token::Quoted(text) | Token::Other(text) => out.push_str(text),
            Token::Mark(mark) => out.push(*mark),
        }
    }
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => quoted_length(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            c if c.is_whitespace() => rest
                .find(|c: char| !c.is_whitespace())
                .unwrap_or(rest.len()),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (text, after) = rest.split_at(length);
        tokens.push(match first {
            '"' => Token::Quoted(text),
            c if is_word(c) => Token::Word(text),
            c if length == c.len_utf8() && !c.is_whitespace() => Token::Mark(c),
            _ => Token::Other(text),
        });
        rest = after;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of the quoted text at the start of `sql`; a doubled quote does not end it.
fn quoted_length(sql: &str, quote: char) -> usize {
    let mut marks = sql.char_indices().skip(1).peekable();
    while let Some((index, c)) = marks.next() {
        if c == quote && marks.next_if(|(_, next)| *next == quote).is_none() {
            return index + c.len_utf8();
        }
    }
    sql.len()
}

/// Where in a statement we are.
#[derive(Default)]
struct Context<'a> {
    /// The statement's words so far, in upper case, at most three: `CREATE TABLE stock`.
    opening: Vec<String>,
    depth: usize,
    /// A `(` was seen outside all others, so the statement has a list of columns.
    has_list: bool,
    /// The last two tokens that are not space, newest first.
    last: [Option<Name<'a>>; 2],
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Word(&'a str),
    Mark(char),
}

impl<'a> Context<'a> {
    /// Moves to `token`.
    fn see(&mut self, token: &Token<'a>) {
        match token {
            Token::Mark('(') => {
                self.has_list |= self.depth == 0;
                self.depth = self.depth.saturating_add(1);
            }
            Token::Mark(')') => self.depth = self.depth.saturating_sub(1),
            Token::Mark(';') => *self = Self::default(),
            Token::Word(word) if self.opening.len() < 3 => {
                self.opening.push(word.to_ascii_uppercase());
            }
            Token::Word(_) | Token::Quoted(_) | Token::Other(_) | Token::Mark(_) => {}
        }
    }

    /// Leaves `token` behind.
    fn remember(&mut self, token: &Token<'a>) {
        let name = match token {
            Token::Word(text) | Token::Quoted(text) => Name::Word(text),
            Token::Mark(mark) => Name::Mark(*mark),
            Token::Other(_) => return,
        };
        let [newest, _] = self.last;
        self.last = [Some(name), newest];
    }

    fn in_table(&self) -> bool {
        self.opening.first().is_some_and(|word| word == "CREATE")
            && self.opening.get(1).is_some_and(|word| word == "TABLE")
    }

    /// The column whose type the current word is: in a table's list, `(name TYPE` or `, name TYPE`; in `ADD COLUMN name
    /// TYPE`. A type anywhere else, as in a CAST, is none.
    fn column(&self) -> Option<&'a str> {
        let altering = self.opening.first().is_some_and(|word| word == "ALTER");
        match self.last {
            [Some(Name::Word(name)), Some(Name::Mark('(' | ','))]
                if self.in_table() && self.depth == 1 =>
            {
                Some(name)
            }
            [Some(Name::Word(name)), Some(Name::Word(before))]
                if altering
                    && (before.eq_ignore_ascii_case("COLUMN")
                        || before.eq_ignore_ascii_case("ADD"))
                    && !name.eq_ignore_ascii_case("COLUMN") =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// Whether the `)` just seen ends a table's list of columns.
    fn closes_table(&self) -> bool {
        self.in_table() && self.has_list && self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "-- TEXT and BIGINT in a comment stay\nCREATE TABLE tea (\n  id TEXT NOT NULL PRIMARY KEY,\n  \
                         price_minor BIGINT NOT NULL CHECK (price_minor >= 0),\n  organic BOOLEAN NOT NULL DEFAULT FALSE,\n  \
                         picture BYTEA,\n  note TEXT DEFAULT 'a BIGINT, (it''s) said; text'\n);";

    #[test]
    fn sqlite_gets_its_own_types_and_strict_tables() {
        assert_eq!(
            for_sqlite(TABLE),
            "-- TEXT and BIGINT in a comment stay\nCREATE TABLE tea (\n  id TEXT NOT NULL PRIMARY KEY,\n  price_minor \
             INTEGER NOT NULL CHECK (price_minor >= 0),\n  organic INTEGER CHECK (organic IN (0, 1)) NOT NULL DEFAULT \
             FALSE,\n  picture BLOB,\n  note TEXT DEFAULT 'a BIGINT, (it''s) said; text'\n) STRICT;"
        );
    }

    #[test]
    fn postgres_orders_text_by_its_bytes() {
        assert_eq!(
            for_postgres(TABLE),
            TABLE
                .replace("id TEXT", "id TEXT COLLATE \"C\"")
                .replace("note TEXT", "note TEXT COLLATE \"C\"")
        );
    }

    #[test]
    fn a_column_added_later_is_treated_like_the_others() {
        assert_eq!(
            for_sqlite("ALTER TABLE tea ADD COLUMN hot BOOLEAN;"),
            "ALTER TABLE tea ADD COLUMN hot INTEGER CHECK (hot IN (0, 1));"
        );
        assert_eq!(
            for_postgres("ALTER TABLE tea ADD COLUMN text TEXT"),
            "ALTER TABLE tea ADD COLUMN text TEXT COLLATE \"C\""
        );
    }

    #[test]
    fn a_type_that_is_not_a_columns_stays_bare() {
        let update = "UPDATE tea SET note = CAST(price_minor AS TEXT);";
        assert_eq!(for_postgres(update), update);
        assert_eq!(
            for_sqlite("UPDATE tea SET price_minor = CAST(note AS BIGINT)"),
            "UPDATE tea SET price_minor = CAST(note AS INTEGER)"
        );
        let index = "CREATE INDEX by_text ON tea (text, note); CREATE UNIQUE INDEX one ON tea (id) WHERE note IS NULL;";
        assert_eq!(for_sqlite(index), index);
        assert_eq!(for_postgres(index), index);
    }

    #[test]
    fn each_of_several_tables_is_strict() {
        let sql = "CREATE TABLE a (x BIGINT, UNIQUE (x)); CREATE TABLE IF NOT EXISTS b (\"y z\" BOOLEAN);";
        assert_eq!(
            for_sqlite(sql),
            "CREATE TABLE a (x INTEGER, UNIQUE (x)) STRICT; CREATE TABLE IF NOT EXISTS b (\"y z\" INTEGER CHECK (\"y z\" IN (0, 1))) STRICT;"
        );
    }
}
