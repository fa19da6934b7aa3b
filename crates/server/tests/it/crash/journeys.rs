//! The load beside guests and passwords: device keys, passkeys, mail codes, blocking webhooks and the portal.

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use tokio::task::JoinHandle;

use super::{
    Verdict,
    asked::{self, AskedStory},
    device_keys::{self, DeviceStory},
    mail_codes::{self, Confirmation},
    passkeys::{self, PasskeyStory},
    portal_writes::{self, PortalStory},
    world::{ASKED, CODES, PASSKEYS, World, app_of, http_of},
};
use crate::support::{TestStore, binary::Process};

/// What was acknowledged, and what was begun.
#[derive(Default)]
pub(crate) struct Journeys {
    pub(super) devices: Vec<DeviceStory>,
    pub(super) passkeys: Vec<PasskeyStory>,
    pub(super) confirmations: Vec<Confirmation>,
    pub(super) asked: Vec<AskedStory>,
    pub(super) portal: Vec<PortalStory>,
    /// The last color of the pages that was acknowledged to the operator.
    pub(super) color: Option<String>,
}

/// Acknowledged writes by kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kinds {
    pub(super) devices: usize,
    pub(super) passkeys: usize,
    pub(super) codes: usize,
    pub(super) asked: usize,
    pub(super) portal: usize,
}

impl Kinds {
    pub(super) fn all(&self) -> [(usize, &'static str); 5] {
        [
            (self.devices, "with device keys"),
            (self.passkeys, "with passkeys"),
            (self.codes, "with mail codes"),
            (self.asked, "allowed by a blocking webhook"),
            (self.portal, "in the portal"),
        ]
    }

    pub(super) fn sum(&self) -> usize {
        self.all().iter().map(|(count, _)| count).sum()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.devices += other.devices;
        self.passkeys += other.passkeys;
        self.codes += other.codes;
        self.asked += other.asked;
        self.portal += other.portal;
    }
}

impl Journeys {
    /// Starts one client of each kind, and two where they wait for others.
    pub(super) fn start(
        process: &Process,
        world: &Arc<World>,
        over: &Arc<AtomicBool>,
    ) -> (Arc<Mutex<Self>>, Vec<JoinHandle<()>>) {
        let known: Arc<Mutex<Self>> = Arc::default();
        let all = || (Arc::clone(world), Arc::clone(&known), Arc::clone(over));
        let mut tasks = Vec::new();
        for _ in 0..2 {
            let (world, known, over) = all();
            tasks.push(tokio::spawn(mail_codes::come(app_of(process, CODES), world, known, over)));
            let (world, known, over) = all();
            tasks.push(tokio::spawn(device_keys::come(http_of(process, CODES), world, known, over)));
        }
        let (world, known_here, over) = all();
        tasks.push(tokio::spawn(asked::come(app_of(process, ASKED), world, known_here, over)));
        let (world, known_here, over) = all();
        tasks.push(tokio::spawn(portal_writes::come(app_of(process, CODES), world, known_here, over)));
        let (_, known_here, over) = all();
        tasks.push(tokio::spawn(passkeys::come(app_of(process, PASSKEYS), known_here, over)));
        (known, tasks)
    }

    pub(super) fn count(&self) -> Kinds {
        Kinds {
            devices: self.devices.iter().map(DeviceStory::count).sum(),
            passkeys: self.passkeys.iter().map(PasskeyStory::count).sum(),
            codes: self.confirmations.iter().map(Confirmation::count).sum(),
            asked: self.asked.iter().map(AskedStory::count).sum(),
            portal: self.portal.iter().map(PortalStory::count).sum::<usize>() + usize::from(self.color.is_some()),
        }
    }

    /// Checks what was acknowledged, and that nothing is done by half.
    pub(super) async fn judge(&self, process: &Process, world: &World, place: &TestStore) -> Verdict {
        let mut verdict = Verdict::default();
        // The rows first: what follows changes them.
        asked::judge(&self.asked, world, place, &mut verdict).await;
        portal_writes::judge(self, process, (world, place), &mut verdict).await;
        let (mut of_codes, mut of_devices, mut of_passkeys) = <(Verdict, Verdict, Verdict)>::default();
        tokio::join!(
            async {
                for confirmation in &self.confirmations {
                    confirmation.judge(process, world, &mut of_codes).await;
                }
            },
            async {
                for device in &self.devices {
                    device.judge(process, world, &mut of_devices).await;
                }
            },
            async {
                for passkey in &self.passkeys {
                    passkey.judge(process, &mut of_passkeys).await;
                }
            },
        );
        for found in [of_codes, of_devices, of_passkeys] {
            verdict.add(found);
        }
        verdict
    }
}
