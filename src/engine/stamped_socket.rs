//! UDP sockets whose datagrams carry the kernel's receive stamp.

use crate::os::{StampedRead, receive_stamped};
use std::io;
use std::net::SocketAddr;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Reads one datagram, with its sender.
///
/// # Errors
/// `WouldBlock` if none waits; others are ICMP errors of earlier sends.
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(StampedRead, SocketAddr)> {
    socket.try_io(Interest::READABLE, || receive_stamped(socket, buffer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::enable_receive_stamps;
    use std::time::Duration;

    async fn check(address: &str) {
        let socket = std::net::UdpSocket::bind((address, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        enable_receive_stamps(&socket);
        let socket = UdpSocket::from_std(socket).unwrap();
        let other = std::net::UdpSocket::bind((address, 0)).unwrap();
        // The kernel turns its stamps on some time after the first socket has asked for them.
        for _ in 0..100 {
            other.send_to(b"first", socket.local_addr().unwrap()).unwrap();
            // How long the datagram lies in the kernel is what is told.
            std::thread::sleep(Duration::from_millis(20));
            socket.readable().await.unwrap();
            let (StampedRead { length, stamp }, from) = receive(&socket, &mut [0; 64]).unwrap();
            assert_eq!((length, from), (5, other.local_addr().unwrap()));
            assert_eq!(receive(&socket, &mut [0; 64]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            if stamp.and_then(|stamp| stamp.elapsed().ok()).is_some_and(|waited| waited >= Duration::from_millis(15)) {
                return;
            }
        }
        panic!("{address}: no stamp said that its datagram had waited");
    }

    #[tokio::test]
    async fn datagrams_that_waited_are_known_to_have_been_there() {
        check("127.0.0.1").await;
        check("::1").await;
    }
}
