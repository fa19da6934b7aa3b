//! What a guest keeps of grants that end, on both engines.

use vestibule_domain::{grant::Grant, id::GrantId};
use vestibule_store::{
    Store, ended, grants,
    retention::{self, GuestRow},
    users,
};

use crate::test_store::{P, at, grant, guest, id, on_both_engines, write};

on_both_engines!(one_application_of_ended_grants_is_remembered_and_several_are_not_forgotten);

/// Ends grants of a guest, those of one list together; returns what is known of the guest then.
async fn end(store: &Store, number: u64, together: &[&[&'static str]]) -> GuestRow {
    write(store, guest(number), |tx, guest| Box::pin(users::insert(tx, P, guest))).await;
    let mut next = number * 100;
    for clients in together {
        let mut ended: Vec<GrantId> = Vec::new();
        for client in *clients {
            next += 1;
            let new = Grant { client_id: (*client).to_owned(), ..grant(next, id(number)) };
            ended.push(new.id);
            write(store, new, |tx, new| Box::pin(grants::insert(tx, P, new))).await;
        }
        write(store, ended, |tx, ended| Box::pin(ended::remove_grants(tx, P, ended, at(10)))).await;
    }
    let mut conn = store.read().await.unwrap();
    let mut rows = retention::scan(&mut conn, P, (id(number - 1), id(number)), at(900_000)).await.unwrap();
    rows.pop().unwrap()
}

async fn one_application_of_ended_grants_is_remembered_and_several_are_not_forgotten(store: Store) {
    let cases: [(&[&[&str]], &[&str], bool); 4] = [
        (&[&["web", "web"], &["web"]], &["web"], false),
        (&[&["blog", "web"]], &[], true),
        (&[&["web"], &["blog"]], &[], true),
        (&[&["blog", "web"], &["web"]], &[], true),
    ];
    for (number, (together, known, several)) in (1..).map(|number| number * 2).zip(cases) {
        let row = end(&store, number, together).await;
        assert_eq!((row.client_ids, row.left_several), (known.iter().map(|id| (*id).to_owned()).collect(), several));
    }
}
