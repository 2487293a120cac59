//! Sockets and threads: one thread takes connections, one serves each.
//!
//! May not know: what the bytes mean.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::config::Config;
use super::connection::Connection;
use super::target::{Target, Waker};
use crate::serve::Server;
use crate::serve::awake::Awake;
use crate::serve::seats::{Seats, Ticket};
use crate::serve::trace::Tap;
use crate::serve::wall::{HostWall, Wall};

/// Why there is no listener.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// The address is not of this machine alone, and nobody said that others may come.
    Remote(SocketAddr),
    /// The system has not let it.
    Bind(SocketAddr, io::Error),
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenError::Remote(addr) => write!(
                f,
                "{addr} can be reached from other machines; listen on 127.0.0.1, or allow remote \
                 initiators"
            ),
            ListenError::Bind(addr, error) => {
                write!(f, "cannot listen on {addr}: {error}; choose another port, or 0 for any")
            }
        }
    }
}

impl std::error::Error for ListenError {}

/// An iSCSI target that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    addr: SocketAddr,
    config: Config,
}

/// How often a thread looks whether it should end.
const TICK: Duration = Duration::from_millis(100);

/// How long a server that stops waits for its connections to end.
const LONGEST_END: Duration = Duration::from_secs(10);

/// How long an initiator may take nothing of what is sent to it, and how long it may when its
/// connection is to end.
const UNREAD: Duration = Duration::from_secs(30);
const UNREAD_AT_END: Duration = Duration::from_secs(1);

impl Listener {
    /// Listens on this address; port 0 is any that is free. From here on connections are let in,
    /// and served once it runs.
    pub fn bind(addr: SocketAddr, config: Config) -> Result<Listener, ListenError> {
        if !addr.ip().is_loopback() && !config.allow_remote {
            return Err(ListenError::Remote(addr));
        }
        let bind = || -> io::Result<(TcpListener, SocketAddr)> {
            let socket = TcpListener::bind(addr)?;
            socket.set_nonblocking(true)?;
            let addr = socket.local_addr()?;
            Ok((socket, addr))
        };
        let (socket, addr) = bind().map_err(|error| ListenError::Bind(addr, error))?;
        Ok(Listener { socket, addr, config })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// How programs name a unit of this target: `iscsi://HOST:PORT/NAME/LUN`.
    pub fn url(&self, lun: u16) -> String {
        format!("iscsi://{}/{}/{lun}", self.addr, self.config.iqn)
    }

    /// Serves until the server is stopped; then asks the initiators to log out, and returns when
    /// all connections have ended.
    pub fn run(&self, server: &Server) {
        let target = Arc::new(Target::new(self.config.clone(), server, from_the_system));
        // Who has not logged in gives way; who has stays.
        let seats = Seats::new(self.config.connections, 0);
        // The server's drives come to rest after the last connection has ended.
        let (running, ended) = mpsc::channel::<()>();
        if !target.stop.is_set() {
            server.at_stop(move || {
                // It errs as soon as the other end is gone.
                let _ = ended.recv_timeout(LONGEST_END);
            });
        }
        std::thread::scope(|scope| {
            while !target.stop.is_set() {
                ready(&self.socket, PollFlags::POLLIN, TICK);
                let (stream, peer) = match self.socket.accept() {
                    Ok(came) => came,
                    Err(error) if is_for_now(&error) => continue,
                    // As where no more files may be open: one that waits would be tried at once.
                    Err(_) => {
                        target.stop.wait(TICK);
                        continue;
                    }
                };
                let Ok(twin) = stream.try_clone() else { continue };
                // What cannot be ended has ended. Closed at once where all are logged in.
                let Some(ticket) = seats.enter(move || drop(twin.shutdown(Shutdown::Both))) else {
                    continue;
                };
                let target = Arc::clone(&target);
                let tap = server.trace().tap(peer, self.addr);
                let serving = move || {
                    // What the socket refuses ends the connection, as any other trouble does.
                    let _ = serve(&stream, target, tap, &ticket);
                };
                // Where the system has no more threads, the connection is closed.
                let _ = std::thread::Builder::new().spawn_scoped(scope, serving);
            }
        });
        drop(running);
    }
}

fn from_the_system(bytes: &mut [u8]) -> bool {
    getrandom::fill(bytes).is_ok()
}

/// Waits until the socket can be read or written, at most for `most`.
fn ready(socket: &impl AsFd, what: PollFlags, most: Duration) {
    let mut sockets = [PollFd::new(socket.as_fd(), what)];
    // Rounded up: a wait that ends early would be begun again at once.
    let most = most + Duration::from_micros(999);
    let most = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
    // Whether it can shows when it is tried.
    let _ = poll(&mut sockets, most);
}

fn serve(stream: &TcpStream, target: Arc<Target>, tap: Tap, ticket: &Ticket) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let waker: Waker = {
        let stream = stream.try_clone()?;
        // Nothing more can be read, so a read that waits returns.
        Arc::new(move || drop(stream.shutdown(Shutdown::Read)))
    };
    let local = stream.local_addr()?;
    let mut connection = Connection::new(target, local, waker, Some(tap), HostWall.now());
    let mut stream = stream;
    let mut at_end = false;
    let mut unread = None;
    let mut stays = false;
    let mut awake = Awake::new(HostWall.now());
    loop {
        connection.run(HostWall.now());
        if !stays && connection.is_logged_in() {
            stays = ticket.stay();
        }
        let output = connection.output();
        if !output.is_empty() {
            match stream.write(output) {
                Ok(sent) => {
                    connection.sent(sent);
                    unread = None;
                }
                Err(error) if is_for_now(&error) => {
                    let now = HostWall.now();
                    let since = *unread.get_or_insert(now);
                    let most = if connection.is_closing() { UNREAD_AT_END } else { UNREAD };
                    if now.saturating_duration_since(since) >= most {
                        return Ok(());
                    }
                    ready(stream, PollFlags::POLLOUT, TICK);
                }
                Err(error) => return Err(error),
            }
            continue;
        }
        if connection.is_over() || at_end {
            return Ok(());
        }
        match stream.read(connection.room()) {
            // It may have something to say yet, as when it is ended from elsewhere.
            Ok(0) => at_end = true,
            Ok(read) => {
                connection.filled(read);
                awake.came(HostWall.now());
            }
            Err(error) if is_for_now(&error) => {
                let now = HostWall.now();
                if awake.stays(now) {
                    // Whoever else needs the processor has it.
                    std::thread::yield_now();
                    continue;
                }
                let due = connection.due().map_or(TICK, |due| due.saturating_duration_since(now));
                ready(stream, PollFlags::POLLIN, due.min(TICK));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a socket that refuses this may take it the next time.
fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{BHS, Header, NO_TAG, NopOut};
    use super::*;
    use crate::serve::{Lun, Pace};

    /// What 'iscsi-ls' sends, over a socket.
    #[test]
    fn a_listener_serves_until_its_server_stops() {
        let address = "virtual:dvd-ram".parse().unwrap();
        let virt = crate::open(&address, None, crate::models::MediumKind::DvdRam, 1).unwrap();
        let server = Server::new(vec![Lun::new(0, virt, Pace::Simulated)]);
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        let config = Config { allow_remote: true, ..Config::default() };
        let listener = Listener::bind(any, config).unwrap();
        let port = listener.local_addr().port();
        let here = SocketAddr::from(([127, 0, 0, 1], port));
        std::thread::scope(|scope| {
            let running = scope.spawn(|| listener.run(&server));
            let session = include_bytes!("../../../../corpora/iscsi/libiscsi-discovery.bin");
            let mut stream = TcpStream::connect(here).unwrap();
            stream.write_all(&session[3..]).unwrap();
            let mut came = Vec::new();
            // It logs out, so the target closes.
            stream.read_to_end(&mut came).unwrap();
            let said = String::from_utf8_lossy(&came);
            assert!(said.contains(&format!("TargetAddress=127.0.0.1:{port},1\0")), "{said}");
            let idle = TcpStream::connect(here).unwrap();
            server.stop();
            running.join().unwrap();
            drop(idle);
        });
        assert_eq!(listener.url(3), format!("iscsi://0.0.0.0:{port}/{}/3", Config::default().iqn));
    }

    /// One that takes no answers holds up neither the end nor its own successor.
    #[test]
    fn who_reads_nothing_does_not_hold_up_the_end() {
        let address = "virtual:dvd-ram".parse().unwrap();
        let virt = crate::open(&address, None, crate::models::MediumKind::DvdRam, 1).unwrap();
        let server = Server::new(vec![Lun::new(0, virt, Pace::Simulated)]);
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind(any, Config::default()).unwrap();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| listener.run(&server));
            let mut stream = TcpStream::connect(listener.local_addr()).unwrap();
            let session = include_bytes!("../../../../corpora/iscsi/libiscsi-inquiry.bin");
            let login = Header::parse(&session[3..]).unwrap();
            let login = BHS + login.padded_length();
            stream.write_all(&session[3..][..login]).unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
            let ping = NopOut { immediate: true, itt: 1, ttt: NO_TAG, ..NopOut::default() };
            let mut ping = NopOut { data_length: 4096, ..ping }.emit().to_vec();
            ping.resize(BHS + 4096, 0);
            let mut pings = (0..100_000).map(|_| stream.write_all(&ping));
            assert!(pings.any(|written| written.is_err()), "the target stops reading");
            let began = HostWall.now();
            server.stop();
            running.join().unwrap();
            let took = HostWall.now() - began;
            assert!(took < Duration::from_secs(8), "{took:?}");
        });
    }

    #[test]
    fn only_this_machine_may_come_unless_told() {
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        let refused = Listener::bind(any, Config::default());
        assert!(matches!(refused, Err(ListenError::Remote(addr)) if addr == any));
        let config = Config { allow_remote: true, ..Config::default() };
        let listener = Listener::bind(any, config).unwrap();
        assert_ne!(listener.local_addr().port(), 0);
        let again = Listener::bind(
            SocketAddr::from(([127, 0, 0, 1], listener.local_addr().port())),
            Config::default(),
        );
        assert!(matches!(again, Err(ListenError::Bind(..))));
    }
}
