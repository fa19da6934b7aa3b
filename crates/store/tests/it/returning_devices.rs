//! What the sign-in of a known device writes, in pages of the write-ahead log of SQLite (docs/costs.md).

use std::fs;

use vestibule_domain::{grant::Grant, id::Id};
use vestibule_store::{
    Store,
    device_keys::{self, DeviceKeyRow},
    grants, spent, users,
};

use crate::test_store::{P, TestStore, at, grant, guest, id, write};

/// Guests, enough for each to be on another page than the next one that signs in.
const GUESTS: u64 = 20_000;
/// Those that sign in.
const SIGN_INS: u64 = 20;

fn kid(number: u64) -> String {
    // Spread like random ones.
    format!("{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

async fn fill(store: &Store) {
    write(store, (), |tx, ()| {
        Box::pin(async move {
            for number in 0..GUESTS {
                users::insert(tx, P, &guest(number)).await?;
                let key = DeviceKeyRow {
                    kid: kid(number),
                    id: id(number),
                    user_id: id(number),
                    jwk: "x".repeat(400),
                    created_at: at(1),
                    last_used_at: at(1),
                    promoted_at: None,
                    device: None,
                };
                assert!(device_keys::insert(tx, P, &key).await?);
                grants::insert(tx, P, &grant(number, id(number))).await?;
            }
            Ok(())
        })
    })
    .await;
}

/// One sign-in of a guest, in a transaction of its own; `turn` numbers them all.
async fn sign_in(store: &Store, number: u64, turn: u64, seconds: i64) {
    let new = Grant { id: Id::from_parts(1_000_000 + turn, [7; 10]), ..grant(0, id(number)) };
    write(store, (number, turn, new), move |tx, (number, turn, new)| {
        Box::pin(async move {
            let mut challenge = [0; 16];
            challenge[..4].copy_from_slice(&spent::date_of(at(seconds + 300)));
            challenge[8..].copy_from_slice(&turn.to_be_bytes());
            assert!(spent::spend_dated(tx, P, &challenge).await?);
            let known = device_keys::record_sign_in(tx, P, &kid(*number), id(*number), at(seconds)).await?;
            assert!(known.is_some());
            grants::insert(tx, P, new).await
        })
    })
    .await;
}

#[tokio::test]
async fn a_device_that_signs_in_again_within_the_hour_dirties_three_pages() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    // As long as a reader is open, the log grows and does not begin anew.
    let reader = rusqlite::Connection::open(place.path()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT COUNT(*) FROM users", [], |row| row.get::<_, i64>(0)).unwrap();
    fill(&store).await;
    let length = || fs::metadata(format!("{}-wal", place.path().display())).unwrap().len();
    for (round, usual) in [(0, 5), (1, 3)] {
        let mut pages = Vec::new();
        for place in 0..SIGN_INS {
            let (before, turn) = (length(), round * SIGN_INS + place);
            let number = place * (GUESTS / SIGN_INS) + 7;
            sign_in(&store, number, turn, 10_000 + i64::try_from(turn).unwrap()).await;
            // A frame is a page with its head.
            pages.push((length() - before) / (4_096 + 24));
        }
        // The challenge, the grant and its entry by user; the first time of an hour the user and the key. Now and then a page is full.
        pages.sort_unstable();
        assert_eq!((pages[0], pages[pages.len() / 2]), (usual, usual), "round {round}: {pages:?}");
    }
}
