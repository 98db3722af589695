//! What can go wrong in a transaction, in words both databases share.

use kernel::stored::StoredError;

/// Why a transaction did not do what it was asked.
///
/// A violation names what was violated the same way on both databases, so that an area can turn it into its own
/// business error where the statement is written. All the others are for the log and the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// A unique constraint refused the row. `constraint` is `table.column` (`table.a, table.b` for several), or the
    /// index's name where it is over an expression.
    #[error("there is already a row with this {constraint}")]
    UniqueViolation {
        /// The columns that must be unique together.
        constraint: String,
    },
    /// A foreign key refused the row: what it refers to does not exist, or what is deleted is still referred to.
    #[error("a foreign key does not hold: the other row is missing, or still refers to this one")]
    ForeignKey,
    /// A CHECK refused the row.
    #[error("the check {constraint} does not hold")]
    CheckViolation {
        /// The constraint's name. Unnamed checks are called differently by the two databases: name those you ask about.
        constraint: String,
    },
    /// A column that must have a value was given none.
    #[error("{column} must have a value")]
    NotNull {
        /// `table.column`.
        column: String,
    },
    /// A value does not fit its column or parameter.
    #[error("a value has the wrong type: {detail}")]
    WrongType {
        /// What was given for what; never the value itself.
        detail: String,
    },
    /// A statement inside [`crate::Db::read`] tried to write.
    #[error("a reading transaction cannot write; use `write`")]
    ReadOnly,
    /// Others kept changing the same rows, until the attempts were used up. Nothing was written; trying later may work.
    #[error("others kept changing the same rows; nothing was written")]
    Conflict,
    /// A statement, or its wait for a lock, took longer than is allowed. Nothing was written.
    #[error("the database took too long; nothing was written")]
    TimedOut,
    /// Too much work is waiting already, or another process keeps the database locked. Nothing was written.
    #[error("the database is too busy; nothing was written")]
    Busy,
    /// The database was closed, for instance because the server is stopping. Nothing was written.
    #[error("the database is closed")]
    Closed,
    /// The server cannot be reached or went away before COMMIT. Nothing was written.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// COMMIT was sent and its answer never came, or the disk failed under it: the write may or may not have happened.
    /// Look for its effect by its own id before trying again.
    #[error("it is unknown whether the write happened: {0}")]
    UnknownCommit(String),
    /// The disk failed, or what is on it is damaged: what the file holds is no longer certain, and this process writes no
    /// more to it.
    #[error(
        "the database file can no longer be trusted; nothing is written until it is checked and the server restarted: {0}"
    )]
    Poisoned(String),
    /// The disk is full. Nothing was written; writing works again once there is room.
    #[error("the disk is full; nothing was written")]
    Full,
    /// An earlier statement of this transaction failed, which ended it: return its error instead of carrying on.
    #[error("the transaction had already ended when a statement failed: {0}")]
    Aborted(String),
    /// The closure panicked. Nothing was written.
    #[error("the transaction panicked: {0}")]
    Panicked(String),
    /// Exactly one row was expected and there was none.
    #[error("no row was found where one was expected")]
    NoRow,
    /// At most one row was expected and there were more.
    #[error("more than one row was found where one was expected")]
    TooManyRows,
    /// A statement was given more or fewer parameters than it has.
    #[error("the statement has {expected} parameters and was given {given}")]
    Parameters {
        /// How many different `$n` the statement has.
        expected: usize,
        /// How many values it was given.
        given: usize,
    },
    /// A column was asked for that the statement does not return.
    #[error("the statement returns no column {0}")]
    NoColumn(String),
    /// A column holds what its reader does not expect.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The migrations do not fit the database; the text says what to do.
    #[error("{0}")]
    Migration(String),
    /// The database cannot be opened; the text says why and what to do.
    #[error("{0}")]
    Open(String),
    /// The database refused a statement for any other reason: a mistake in the SQL.
    #[error("{message} in: {sql}")]
    Statement {
        /// What the database said.
        message: String,
        /// The statement, shortened; it holds no values.
        sql: String,
    },
}

impl DbError {
    /// Whether a unique constraint refused a row.
    pub const fn is_unique_violation(&self) -> bool {
        matches!(self, Self::UniqueViolation { .. })
    }

    /// Whether the unique constraint over exactly `columns` refused a row: `"orders.cart_id"`, `"t.a, t.b"`.
    pub fn is_unique_violation_of(&self, columns: &str) -> bool {
        matches!(self, Self::UniqueViolation { constraint } if constraint == columns)
    }

    /// Whether a foreign key refused a row.
    pub const fn is_foreign_key(&self) -> bool {
        matches!(self, Self::ForeignKey)
    }

    /// Whether a CHECK refused a row.
    pub const fn is_check_violation(&self) -> bool {
        matches!(self, Self::CheckViolation { .. })
    }

    /// Whether the same call may well succeed a little later: nothing was written, and nothing is wrong with it.
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Conflict | Self::TimedOut | Self::Busy | Self::Unavailable(_) | Self::Full
        )
    }

    /// Whether the transaction failed for a reason that running it once more may cure.
    pub(crate) const fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict | Self::Unavailable(_))
    }

    /// A refused statement, quoting at most 300 characters of it.
    pub(crate) fn statement(message: impl Into<String>, sql: &str) -> Self {
        let mut sql: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = sql.char_indices().nth(300) {
            sql.truncate(cut);
        }
        Self::Statement {
            message: message.into(),
            sql,
        }
    }
}
