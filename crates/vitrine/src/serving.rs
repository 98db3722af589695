//! `vitrine serve`: opens the shop, keeps its loops running, and closes it in order.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use admin::Admin;
use commerce::Shop;
use commerce::accounts::claim_link;
use commerce::keys::{Purpose, server_key};
use providers::payments::TestGateway;
use storefront::Storefront;
use templates::Templates;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use web::{BothHouses, CsrfKey, Origin, Readiness, Site};

use crate::Outcome;
use crate::args::Serve;
use crate::commands::admin::{Door, address};
use crate::config::{Config, absolute};
use crate::console::say;
use crate::open::{Opened, Wishes, open};
use crate::test_page::TestPage;
use crate::{Failure, demo};

/// Where the shop listens if nothing else is said: this machine only.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// How often the test gateway looks for notices to deliver.
const NOTICES_EVERY: Duration = Duration::from_millis(500);

/// Runs the shop until it is told to stop.
pub(crate) async fn serve(config: &Config, serve: &Serve) -> Outcome {
    let wanted = serve.listen.or(config.listen).unwrap_or(LISTEN);
    let listener = TcpListener::bind(wanted).await.map_err(|error| {
        format!("cannot listen on {wanted}: {error}; name another address with --listen")
    })?;
    let listen = listener.local_addr()?;
    let origin = match &config.public_url {
        Some(origin) => origin.clone(),
        None => Origin::parse(&format!("http://{listen}"))?,
    };
    let address = origin.to_string();
    let Opened {
        shop,
        test_gateway,
        lock: _lock,
    } = open(
        config,
        &Wishes {
            origin: &address,
            make: true,
            serve: true,
        },
    )
    .await?;
    let templates = Templates::load(match &config.theme {
        Some(folder) => templates::Settings::with_folder(folder.clone()),
        None => templates::Settings::default(),
    })?;
    if serve.demo {
        demo::furnish(&shop).await?;
    }
    let site = site(config, &shop, (origin, &templates, test_gateway.clone())).await?;
    let (stopping, closing) = watch::channel(false);
    let mut loops = start_loops(&shop, &test_gateway, &closing);
    loops.spawn(run_jobs(
        shop.clone(),
        templates.clone(),
        serve.demo.then(|| test_gateway.clone()),
        closing.clone(),
    ));
    // From the first word on, it can be told to stop.
    let asked_to_stop = asked_to_stop();
    greet(config, &address);
    welcome(&shop, serve.demo).await?;
    say("Stop it with Ctrl-C.");
    let stopped = web::serve(listener, &site.0, site.1, asked_to_stop).await;
    say("Closing: finishing what is under way.");
    stopping.send_replace(true);
    while loops.join_next().await.is_some() {}
    shop.db.close().await;
    if stopped.connections_cut > 0 || stopped.operations_left > 0 {
        tracing::warn!(
            "{} connections and {} operations did not finish in time",
            stopped.connections_cut,
            stopped.operations_left
        );
    }
    say("Closed.");
    Ok(ExitCode::SUCCESS)
}

/// Tells the operator where everything is.
fn greet(config: &Config, address: &str) {
    say(format_args!("The shop is open: {address}"));
    match &config.database {
        Some(_) => say(format_args!(
            "Its data is in {} and {}.",
            config.database_in_words(),
            absolute(&config.data).display()
        )),
        None => say(format_args!(
            "Its data is in {}.",
            absolute(&config.data).display()
        )),
    }
    if config.smtp.is_none() {
        say(
            "Mails are kept, not sent: no mail server is configured. Read them with `vitrine mail list`.",
        );
    }
}

/// Tells whoever reads the console how to enter the back office: a new shop is claimed, a demo shop has an owner.
async fn welcome(shop: &Shop, demo: bool) -> Result<(), Failure> {
    if demo {
        let Some(token) = demo::owner_link(shop).await? else {
            return Ok(());
        };
        let link = address(&shop.origin, Door::Link, &token);
        say(format_args!(
            "Its back office, as {}, once, within 15 minutes: {link}",
            demo::OWNER_NAME
        ));
    } else if let Some(token) = claim_link(shop).await? {
        say("Nobody owns this shop yet. Whoever opens this address first does.");
        say(format_args!(
            "Claim it: {}",
            address(&shop.origin, Door::Setup, &token)
        ));
    }
    Ok(())
}

async fn site(
    config: &Config,
    shop: &Shop,
    (origin, templates, test_gateway): (Origin, &Templates, TestGateway),
) -> Result<(Site, axum::Router), Failure> {
    let mut web_config = web::Config::new(
        origin,
        CsrfKey(server_key(shop, Purpose::FormTokens).await?),
    );
    web_config
        .trusted_proxies
        .clone_from(&config.trusted_proxies);
    web_config.metrics_token.clone_from(&config.metrics_token);
    let storefront = Storefront::new(shop.clone(), templates.clone())
        .with_data_at(if config.database.is_some() {
            config.database_in_words()
        } else {
            absolute(&config.data).display().to_string()
        })
        .with_page_cache(config.page_cache)
        .with_test_page(Arc::new(TestPage(test_gateway)));
    let office = Templates::back_office(templates::Settings::default())?;
    let admin = Admin::new(shop.clone(), office, templates.clone());
    let site = Site::new(
        web_config,
        readiness(shop.clone()),
        Arc::new(BothHouses {
            shop: Arc::new(storefront.clone()),
            office: Arc::new(admin.clone()),
        }),
    );
    let app = site.router(storefront::routes(&storefront).merge(admin::routes(&admin)));
    Ok((site, app))
}

/// The shop can work when its database answers.
fn readiness(shop: Shop) -> Readiness {
    Arc::new(move || {
        let db = shop.db.clone();
        Box::pin(async move {
            db.schema_version()
                .await
                .map(drop)
                .map_err(|error| format!("the database does not answer: {error}"))
        })
    })
}

/// Runs the shop's jobs. A demo shop gets its history first: jobs of today would tidy the past away while it is written.
async fn run_jobs(
    shop: Shop,
    templates: Templates,
    demo: Option<TestGateway>,
    closing: watch::Receiver<bool>,
) {
    if let Some(gateway) = demo {
        demo::write_history(&shop, &templates, &gateway, told_to_stop(closing.clone())).await;
    }
    commerce::jobs::runner(&shop, &templates)
        .run_forever(told_to_stop(closing))
        .await;
}

/// The other work beside the pages: the search index, the test gateway's notices.
fn start_loops(
    shop: &Shop,
    test_gateway: &TestGateway,
    closing: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    loops.spawn(commerce::search::follow(
        shop.clone(),
        told_to_stop(closing.clone()),
    ));
    loops.spawn(deliver_notices(
        shop.clone(),
        test_gateway.clone(),
        told_to_stop(closing.clone()),
    ));
    loops
}

/// Plays the test gateway's side of its notices.
async fn deliver_notices(shop: Shop, test_gateway: TestGateway, closed: impl Future<Output = ()>) {
    let mut closed = std::pin::pin!(closed);
    loop {
        if let Err(error) = test_gateway.deliver_due_notices(&shop).await {
            tracing::warn!("The test gateway's notices wait: {error}");
        }
        tokio::select! {
            () = &mut closed => return,
            () = tokio::time::sleep(NOTICES_EVERY) => {}
        }
    }
}

async fn told_to_stop(mut closing: watch::Receiver<bool>) {
    // An error means that whoever tells is gone: time to stop as well.
    let told = closing.wait_for(|closing| *closing).await;
    drop(told);
}

/// Ctrl-C, or the polite signal of service managers: heard from now on, told when it is waited for.
#[cfg(unix)]
fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async move {
        let heard = signals.into_iter().flatten().map(|mut signal| {
            Box::pin(async move {
                signal.recv().await;
            })
        });
        let heard: Vec<_> = heard.collect();
        if heard.is_empty() {
            return std::future::pending().await;
        }
        drop(futures_util::future::select_all(heard).await);
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
async fn asked_to_stop() {
    drop(tokio::signal::ctrl_c().await);
}
