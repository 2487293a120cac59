//! A process that is killed while it writes a disc file leaves a sound one.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use vdrive::store::{SLOT, Store};

/// Says to the test below that it is the process to be killed, and names the file.
const VICTIM: &str = "KILN_TEST_DISC_FILE";

fn sectors(n: u32) -> Vec<u8> {
    n.to_le_bytes().repeat(16 * SLOT / 4)
}

/// Writes and appends for ever, saying so after each record; takes a snapshot now and then.
fn write_for_ever(path: &str) {
    let mut store = Store::create(path.as_ref(), b"victim").unwrap();
    for n in 0.. {
        store.write(u64::from(n % 1000) * 16, &sectors(n)).unwrap();
        store.append(&n.to_le_bytes()).unwrap();
        println!("\nrecorded {n}");
        if n % 100 == 99 {
            store.snapshot(&n.to_le_bytes()).unwrap();
        }
    }
}

#[test]
fn what_a_killed_process_has_recorded_is_there() {
    if let Ok(path) = std::env::var(VICTIM) {
        return write_for_ever(&path);
    }
    let dir = tempfile::tempdir().unwrap();
    for lines in [1, 17, 99, 100, 101, 250, 777, 1500] {
        let path = dir.path().join(format!("{lines}.disc"));
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["what_a_killed_process_has_recorded_is_there", "--exact", "--nocapture"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(victim.stdout.take().unwrap());
        let said = output.lines().map_while(Result::ok);
        let said: Vec<u32> = said
            .filter_map(|line| line.strip_prefix("recorded ")?.parse().ok())
            .take(lines)
            .collect();
        victim.kill().unwrap();
        victim.wait().unwrap();
        let last_said = *said.last().unwrap();

        let (store, replay) = Store::open(&path).unwrap();
        assert_eq!(replay.header, b"victim");
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        let mut next = replay.snapshot.as_deref().map_or(0, |state| number(state) + 1);
        for record in &replay.records {
            assert_eq!(number(record), next);
            next += 1;
        }
        assert!(next > last_said, "{last_said} was recorded, {next} is the next");
        // One write may have come after the last record, so the oldest of a thousand may be newer.
        let newest = next - 1;
        for n in newest.saturating_sub(990)..=newest {
            let mut room = vec![0; 16 * SLOT];
            store.read(u64::from(n % 1000) * 16, &mut room).unwrap();
            assert!(room == sectors(n), "the data of record {n}");
        }
    }
}
