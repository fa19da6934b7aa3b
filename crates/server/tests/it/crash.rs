//! Dying in the middle of it: the real binary is killed (SIGKILL) under load and started again. What it had acknowledged
//! must be there, revocations included. `VESTIBULE_CRASHES=100` makes the loop long; it is short otherwise.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use reqwest::Client;

use crate::support::{
    Engine, Installation, Place,
    binary::{post, refresh, refresh_token, sign_up},
    on_both_engines,
};

/// What the server said yes to.
#[derive(Default)]
struct Acknowledged {
    alive: Vec<String>,
    revoked: Vec<String>,
    /// Rotated away: the token before, and the one after.
    rotated: Vec<(String, String)>,
}

/// Signs up, and lets every third guest log out and every third rotate its token, until the server is gone.
async fn load(client: Client, port: u16, known: Arc<Mutex<Acknowledged>>, count: Arc<AtomicU32>) {
    for number in 0_u32.. {
        let Ok(answer) = sign_up(&client, port).await else { return };
        let Some(token) = refresh_token(answer, "result").await else { return };
        count.fetch_add(1, Ordering::Relaxed);
        match number % 3 {
            0 => match post(&client, port, "/oauth2/revoke", &[("token", &token)]).await {
                Ok(answer) if answer.status().is_success() => known.lock().expect("no panic").revoked.push(token),
                // Unknown whether it happened: nothing can be said of this one.
                Ok(_) => {}
                Err(_) => return,
            },
            1 => {
                let Ok(answer) = refresh(&client, port, "rotating", &token).await else { return };
                let Some(next) = refresh_token(answer, "").await else { return };
                known.lock().expect("no panic").rotated.push((token, next));
            }
            _ => known.lock().expect("no panic").alive.push(token),
        }
    }
}

async fn nothing_acknowledged_is_lost_when_the_process_is_killed_under_load(engine: Engine) {
    let rounds = std::env::var("VESTIBULE_CRASHES").map_or(2, |rounds| rounds.parse().expect("a number"));
    let place = Place::make(engine).await;
    let installation = Installation::make(&place.url());
    let known = Arc::new(Mutex::new(Acknowledged::default()));
    for round in 1..=rounds {
        let victim = installation.start();
        let port = victim.address.port();
        let count = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..16)
            .map(|_| tokio::spawn(load(victim.client(), port, Arc::clone(&known), Arc::clone(&count))))
            .collect();
        // In the midst of it, at another place each round.
        while count.load(Ordering::Relaxed) < 60 + 37 * (round % 5) {
            tokio::task::yield_now().await;
            assert!(!tasks.iter().all(tokio::task::JoinHandle::is_finished), "the load ended by itself");
        }
        victim.kill();
        for task in tasks {
            task.await.expect("the load does not panic");
        }
    }
    let victim = installation.start();
    let (client, port) = (victim.client(), victim.address.port());
    let known = std::mem::take(&mut *known.lock().expect("no panic"));
    assert!(!known.alive.is_empty() && !known.revoked.is_empty() && !known.rotated.is_empty(), "a load of every kind");
    for token in &known.alive {
        let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
        assert_eq!(answer.status(), 200, "an acknowledged guest is gone: {}", answer.text().await.expect("text"));
    }
    for (before, after) in &known.rotated {
        let answer = refresh(&client, port, "rotating", after).await.expect("an answer");
        assert_eq!(answer.status(), 200, "an acknowledged rotation is gone: {}", answer.text().await.expect("text"));
        let answer = refresh(&client, port, "rotating", before).await.expect("an answer");
        assert_eq!(answer.status(), 400, "a token that was rotated away works again");
    }
    for token in &known.revoked {
        let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
        assert_eq!(answer.status(), 400, "an acknowledged revocation is gone");
    }
}

on_both_engines!(nothing_acknowledged_is_lost_when_the_process_is_killed_under_load);
