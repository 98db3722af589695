//! The disk is full in the middle of the day, and then there is room again.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use commerce::testing::euros;
use kernel::VariantId;
use tempfile::TempDir;

use super::server::{Server, run_in, words};
use super::visitor::{Bought, Door, Visitor};
use super::{apart, books, database_in, folder, hours_later, open, set_up};

/// A small disk of our own.
struct Disk(TempDir);

impl Disk {
    /// `None`, with a visible line, where we may not make one.
    fn of(megabytes: u32) -> Option<Self> {
        let folder = folder();
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path());
        let done = mount.output().ok().filter(|done| done.status.success());
        if done.is_none() {
            println!("skipped: only root can make a small disk");
        }
        done.map(|_| Self(folder))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut ballast = File::create(self.0.path().join("ballast")).expect("there is room");
        for size in [65_536, 4_096, 1] {
            let piece = vec![7; size];
            while ballast.write_all(&piece).is_ok() {}
        }
    }

    /// Makes room again.
    fn empty(&self) {
        std::fs::remove_file(self.0.path().join("ballast")).expect("it is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        drop(unmount.arg("-l").arg(self.0.path()).output());
    }
}

fn buy(number: u32, door: &Door, vase: &VariantId) -> Bought {
    let mut visitor = Visitor::new(number, &[door]);
    assert!(visitor.takes(vase, 1));
    visitor.fills_in().expect("the form is taken");
    visitor.pays()
}

/// What a bag is answered while the disk is full: in, or try again later. Gives how often it was the latter.
fn fill_bags(door: &Door, vase: &VariantId) -> u32 {
    let mut refused = 0;
    let wanted = [("variant", vase.as_str()), ("quantity", "1")];
    for number in 100..400 {
        let mut visitor = Visitor::new(number, &[door]);
        let page = visitor.get("/");
        assert_eq!(page.status, 200, "looking goes on");
        let answer = visitor
            .once("/cart/lines", Some(&wanted))
            .expect("an answer");
        match answer.status {
            303 => assert!(visitor.get("/cart").body.contains("Storm vase"), "{number}"),
            503 => refused += 1,
            other => panic!("a full disk is answered {other}: {}", answer.body),
        }
        if refused >= 20 {
            break;
        }
    }
    refused
}

fn a_day(data: &Path, disk: &Disk, vase: &VariantId) -> Vec<Bought> {
    let server = Server::start(data, &[]);
    let door = Door::at(server.address);
    let mut told: Vec<Bought> = (0..5).map(|number| buy(number, &door, vase)).collect();
    disk.fill();
    let refused = fill_bags(&door, vase);
    assert!(refused >= 20, "the disk was not full: {refused}");
    disk.empty();
    // Without a restart, and soon.
    let again = Instant::now();
    told.extend((10..15).map(|number| buy(number, &door, vase)));
    assert!(
        again.elapsed() < Duration::from_secs(20),
        "{:?}",
        again.elapsed()
    );
    assert!(server.stop().success());
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room() {
    let Some(disk) = Disk::of(24) else {
        return;
    };
    let data = TempDir::new_in(disk.0.path()).expect("a folder on it");
    let (_, location) = database_in(&data);
    let test = set_up(&location).await;
    let vase = test.product("Storm vase", euros(2_500), 50).await;
    test.shop.db.close().await;
    let path = data.path().to_owned();
    let (disk, told) = apart(move || {
        let told = a_day(&path, &disk, &vase);
        (disk, told)
    })
    .await;
    let is_order = |bought: &&Bought| matches!(bought, Bought::Order { .. });
    assert_eq!(told.iter().filter(is_order).count(), 10, "{told:?}");
    let verdict = run_in(data.path(), &["verify"]);
    assert!(verdict.status.success(), "{}", words(&verdict));
    let test = hours_later(test, open(&location).await).await;
    assert_eq!(test.orders_placed().await, 10);
    books::assert_agree(&test).await;
    test.assert_clean().await;
    test.shop.db.close().await;
    drop(data);
    drop(disk);
}
