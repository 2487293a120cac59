//! Serves a disc file over iSCSI until its input ends: `serve_iscsi ADDRESS FILE [chap]`.

use std::net::SocketAddr;
use std::path::Path;

use vdrive::models::MediumKind;
use vdrive::serve::iscsi::{Chap, Config, Listener};
use vdrive::serve::{Lun, Pace, Server};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let address: vdrive::models::VirtualAddress = args[0].parse().expect("an address");
    let path = (args[1] != "-").then(|| Path::new(&args[1]));
    let mut luns = Vec::new();
    let virt = vdrive::open(&address, path, MediumKind::DvdPlusR, 1).expect("a drive");
    let pace = if args.iter().any(|a| a == "pace") { Pace::RealTime } else { Pace::Simulated };
    luns.push(Lun::new(0, virt, pace));
    let second = vdrive::open(&address, None, MediumKind::DvdPlusR, 2).expect("a drive");
    luns.push(Lun::new(1, second, pace));
    let mut config = Config::default();
    if args.iter().any(|a| a == "chap") {
        let chap = Chap::new("user", b"secret-of-user").expect("long enough");
        config.chap = Some(chap.mutual("target", b"secret-of-target").expect("long enough"));
    }
    let server = Server::new(luns);
    let address = SocketAddr::from(([127, 0, 0, 1], 13260));
    let listener = Listener::bind(address, config).expect("free");
    println!("{}", listener.url(0));
    let stopper = server.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        stopper.stop();
    });
    listener.run(&server);
}
