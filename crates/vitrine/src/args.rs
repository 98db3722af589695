//! The command line. Every option that is not about one command only can also be set in the file or the environment.
#![expect(
    rustdoc::bare_urls,
    clippy::doc_markdown,
    reason = "the comments here are the texts of --help"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};

/// A whole shop in one program: storefront, orders, stock, payments, search and mail.
#[derive(Debug, Parser)]
#[command(name = "vitrine", version, max_term_width = 110)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands. A flag wins over the environment, the environment over the file.
#[derive(Debug, Clone, Default, Group)]
pub(crate) struct Common {
    /// The configuration file, in TOML. Its keys are the long names of these options, with `_` for `-`.
    /// [default: DATA/vitrine.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "VITRINE_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// The folder of the shop's files: database, pictures, search index. Made if it is not there. [default: ./data]
    #[arg(long, global = true, value_name = "DIR", env = "VITRINE_DATA")]
    pub(crate) data: Option<PathBuf>,

    /// A PostgreSQL database instead of the file in the data folder: postgres://user:password@host/name.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "VITRINE_DATABASE",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,

    /// Where buyers reach the shop, as in https://shop.example. Links in mails begin with it; with https, cookies are
    /// sent over TLS only. [default: http:// and the address listened on]
    #[arg(long, global = true, value_name = "URL", env = "VITRINE_PUBLIC_URL")]
    pub(crate) public_url: Option<String>,

    /// A folder with files of a theme of your own; what is not in it comes from the default theme.
    #[arg(long, global = true, value_name = "DIR", env = "VITRINE_THEME")]
    pub(crate) theme: Option<PathBuf>,

    /// The mail server: smtp://user:password@host:587 (STARTTLS) or smtps://…. Without it mails are kept in the outbox,
    /// to be read with `vitrine mail list`.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "VITRINE_SMTP",
        hide_env_values = true
    )]
    pub(crate) smtp: Option<String>,

    /// The address mails are sent from. Needed with --smtp.
    #[arg(long, global = true, value_name = "ADDRESS", env = "VITRINE_MAIL_FROM")]
    pub(crate) mail_from: Option<String>,

    /// Addresses or networks of proxies whose X-Forwarded-… headers are believed, separated by commas: 10.0.0.0/8.
    #[arg(
        long,
        global = true,
        value_name = "LIST",
        env = "VITRINE_TRUSTED_PROXIES",
        value_delimiter = ','
    )]
    pub(crate) trusted_proxies: Option<Vec<String>>,

    /// What a reader of /metrics on another machine has to send as a bearer token. Without it only this machine may read.
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "VITRINE_METRICS_TOKEN",
        hide_env_values = true
    )]
    pub(crate) metrics_token: Option<String>,

    /// How many megabytes of ready pages are kept in memory for visitors without a bag; 0 draws every page anew. [default: 64]
    #[arg(
        long,
        global = true,
        value_name = "MEGABYTES",
        env = "VITRINE_PAGE_CACHE"
    )]
    pub(crate) page_cache: Option<u32>,

    /// How the log is written: `text` for people or `json` for machines. [default: text]
    #[arg(long, global = true, value_name = "FORM", env = "VITRINE_LOG_FORMAT")]
    pub(crate) log_format: Option<String>,

    /// What is logged: error, warn, info, debug or trace, or a filter such as `warn,commerce=debug`. `info` has a line for
    /// each request. [default: warn; info with --log-format json]
    #[arg(long, global = true, value_name = "LEVEL", env = "VITRINE_LOG")]
    pub(crate) log: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open the shop: serve its pages, send its mail, run its jobs. Brings the database up to date first.
    Serve(Serve),
    /// Bring the database up to date, and stop.
    Migrate,
    /// Recompute every invariant from the stored facts; print each breach with the rows involved. Status 1 if any.
    Verify,
    /// Save the shop while it sells: database and pictures, with the fingerprint of every file.
    Backup {
        /// The folder of the backup: a new or an empty one, outside the data folder. Made if it is not there.
        out: PathBuf,
    },
    /// Bring a backup back, into a new data folder: `vitrine restore BACKUP --data NEW_FOLDER`.
    ///
    /// Every file is examined before anything is written, and nothing is ever overwritten. Then the books are verified.
    /// Status 1 if they do not balance.
    Restore {
        /// The folder that `vitrine backup` made.
        from: PathBuf,
    },
    /// Look whether everything the shop needs is there, and say what to do where it is not. Status 1 on a problem.
    ///
    /// Configuration, data folder, disk, database, clock, mail server, public address and payment methods.
    Doctor,
    /// Read and resend the mails of the outbox.
    #[command(subcommand)]
    Mail(Mail),
    /// Look at orders; ship, cancel and refund them.
    #[command(subcommand)]
    Order(Order),
    /// Let people into the back office, and shut them out.
    #[command(subcommand)]
    Admin(Admin),
}

/// `serve`.
#[derive(Debug, Clone, Default, Group)]
pub(crate) struct Serve {
    /// Fill an empty shop with the demo shop Wrenfold: products, pictures and 60 days of orders.
    #[arg(long)]
    pub(crate) demo: bool,

    /// The address and port to listen on. [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", env = "VITRINE_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
}

/// `mail`.
#[derive(Debug, Subcommand)]
pub(crate) enum Mail {
    /// The newest mails, one a line.
    List {
        /// Which page of the list.
        #[arg(long, default_value_t = 1)]
        page: u32,
    },
    /// One mail whole: its text, or its HTML.
    Show {
        /// The mail's id, from the list.
        id: String,
        /// Print the HTML instead of the text.
        #[arg(long)]
        html: bool,
    },
    /// Have a mail sent, or sent again, by the running shop.
    Resend {
        /// The mail's id, from the list.
        id: String,
    },
}

/// `order`.
#[derive(Debug, Subcommand)]
pub(crate) enum Order {
    /// The newest orders, one a line.
    List {
        /// Which page of the list.
        #[arg(long, default_value_t = 1)]
        page: u32,
    },
    /// One order whole: lines, sums, payments, parcels and everything that happened.
    Show {
        /// The order's number.
        number: i64,
    },
    /// Send pieces on their way: all that are left, or those named.
    Ship {
        /// The order's number.
        number: i64,
        /// Pieces of a line, as SKU=2; may be repeated. All that are left if none is named.
        #[arg(long = "line", value_name = "SKU=PIECES")]
        lines: Vec<String>,
        /// Who carries it.
        #[arg(long)]
        carrier: Option<String>,
        /// The carrier's number.
        #[arg(long)]
        tracking: Option<String>,
        /// The carrier's page for it.
        #[arg(long)]
        tracking_url: Option<String>,
    },
    /// Call an order off while nothing has left. The stock is free again; the money goes back.
    Cancel {
        /// The order's number.
        number: i64,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Leave the money where it is.
        #[arg(long)]
        keep_money: bool,
    },
    /// Give money back for pieces, for delivery, or both.
    Refund {
        /// The order's number.
        number: i64,
        /// Pieces of a line, as SKU=2; may be repeated.
        #[arg(long = "line", value_name = "SKU=PIECES")]
        lines: Vec<String>,
        /// How much of the delivery's price, as 4.90.
        #[arg(long, value_name = "AMOUNT")]
        delivery: Option<String>,
        /// Put pieces that were shipped back on the shelf.
        #[arg(long)]
        restock: bool,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Note that a buyer's bank transfer arrived.
    Received {
        /// The order's number.
        number: i64,
        /// How much arrived, as 49.80.
        amount: String,
        /// The bank's reference of the transfer: the same one twice is one transfer.
        #[arg(long)]
        reference: String,
    },
    /// Take money that is held.
    Capture {
        /// The order's number.
        number: i64,
        /// How much, as 49.80; all that is held if not said.
        #[arg(long)]
        amount: Option<String>,
    },
}

/// `admin`.
#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Let somebody in. Prints a link with which they choose a password; it works once, for 7 days.
    Create {
        /// What they sign in with.
        #[arg(long)]
        email: String,
        /// What colleagues call them.
        #[arg(long)]
        name: String,
        /// What they may do: owner, manager, fulfilment, catalogue, support or viewer.
        #[arg(long, default_value = "owner")]
        role: String,
        /// Read their password from standard input, up to the end of the line, instead of printing a link.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a link that signs somebody in, without password and code. It works once, for 15 minutes.
    Link {
        /// What they sign in with.
        email: String,
    },
    /// Everybody who works or worked here, one a line.
    List,
    /// Shut somebody out: they are signed out everywhere at once. History goes on naming them.
    Disable {
        /// What they sign in with.
        email: String,
    },
    /// Let somebody back in who was shut out.
    Enable {
        /// What they sign in with.
        email: String,
    },
}
