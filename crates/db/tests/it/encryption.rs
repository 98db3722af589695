//! PostgreSQL: TLS, with the certificate and the name checked.

use db::testing::{TlsServer, skip};
use db::{Db, DbError, Location, Options, params};

fn server() -> Option<TlsServer> {
    TlsServer::find().inspect_err(|reason| skip(reason)).ok()
}

fn open(server: &TlsServer, host: &str, query: &str) -> Result<Db, DbError> {
    let TlsServer { port, password, .. } = server;
    let url =
        format!("postgres://vitrine:{password}@{host}:{port}/postgres?hostaddr=127.0.0.1&{query}");
    Db::open(
        &Location::Postgres(url),
        &Options {
            readers: 1,
            writers: 1,
            ..Options::default()
        },
    )
}

#[tokio::test]
async fn a_server_known_to_the_authority_is_talked_to_in_secret() {
    let Some(server) = server() else { return };
    let db = open(
        &server,
        "localhost",
        &format!(
            "sslmode=verify-full&sslrootcert={}",
            server.authority.display()
        ),
    )
    .unwrap();
    let secret = db.read::<(bool,), DbError, _>(|tx| {
        tx.query_one(
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            params![],
        )
    });
    assert_eq!(secret.await, Ok((true,)));
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_is_not_talked_to() {
    let Some(server) = server() else { return };
    let stranger = open(
        &server,
        "localhost",
        &format!("sslmode=require&sslrootcert={}", server.stranger.display()),
    );
    let public = open(&server, "localhost", "sslmode=require");
    let other_name = open(
        &server,
        "db.example",
        &format!("sslrootcert={}", server.authority.display()),
    );
    for refused in [stranger, public, other_name] {
        let error = refused.map(drop).unwrap_err();
        assert!(
            matches!(&error, DbError::Unavailable(reason) if reason.contains("certificate")),
            "{error:?}"
        );
    }
}
