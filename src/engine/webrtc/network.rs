//! The sockets of a connection, restricted to the run's peers and servers; they also watch for alerts and TURN refusals.

use super::alerts::is_plain_alert;
use super::callbacks::Callbacks;
use super::turn::{parse_reply, without_channel_header};
use crate::engine::stamped_socket::receive;
use crate::os::{StampedRead, enable_receive_stamps};
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::UdpSocket;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit,
};

/// tokio runtime of `webrtc` with other UDP sockets: the library's use 200 KiB per connection for batches (0.21.1).
#[derive(Debug)]
pub(super) struct Network(pub Arc<Callbacks>);

impl Runtime for Network {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        socket.set_nonblocking(true)?;
        enable_receive_stamps(&socket);
        Ok(Arc::new(ObservedSocket { socket: UdpSocket::from_std(socket)?, callbacks: self.0.clone() }))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    /// Fails: candidates over TCP are not admitted.
    fn connect_tcp<'a>(
        &'a self,
        _remote: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }

    /// Parses an address: server names were resolved and checked before the run.
    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        let address = parse_address(host).ok_or_else(|| io::ErrorKind::InvalidInput.into());
        Box::pin(async move { address.map(|address| vec![address]) })
    }

    /// Ends early when a datagram needs another round of the core; a timer that is not due does nothing.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        let callbacks = self.0.clone();
        Box::pin(async move {
            tokio::select! {
                () = tokio::time::sleep(duration) => {}
                () = callbacks.round_needed() => {}
            }
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }
}

/// Parses `ADDRESS:PORT`; the library writes IPv6 without brackets.
fn parse_address(host: &str) -> Option<SocketAddr> {
    let (ip, port) = host.rsplit_once(':')?;
    let ip: IpAddr = ip.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    Some(SocketAddr::new(ip, port.parse().ok()?))
}

#[derive(Debug)]
struct ObservedSocket {
    socket: UdpSocket,
    callbacks: Arc<Callbacks>,
}

impl AsyncUdpSocket for ObservedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Drops a datagram to a foreign address, or one that the system refuses, as a network would.
    fn poll_send(&self, context: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let length = transmit.contents.len();
        if is_plain_alert(without_channel_header(transmit.contents)) {
            self.callbacks.on_alert("alert sent");
        }
        if self.callbacks.may_reach(transmit.destination) {
            let _ = ready!(self.socket.poll_send_to(context, transmit.contents, transmit.destination));
        }
        Poll::Ready(Ok(length))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut()) else {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        };
        let (length, from) = loop {
            ready!(self.socket.poll_recv_ready(context))?;
            let (StampedRead { length, stamp }, from) = match receive(&self.socket, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                received => received?,
            };
            let datagram = without_channel_header(&buffer[..length]);
            if is_plain_alert(datagram) {
                self.callbacks.on_alert("alert received");
            }
            if self.callbacks.accepts(datagram, stamp) {
                break (length, from);
            }
        };
        if let Some(reply) = parse_reply(&buffer[..length]) {
            self.callbacks.on_turn_reply(reply);
        }
        *meta = RecvMeta::default();
        meta.len = length;
        meta.stride = length.max(1);
        meta.addr = from;
        Poll::Ready(Ok(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::peer_addresses::PeerAddresses;
    use crate::vocabulary::Seat;
    use tokio::sync::mpsc;
    use webrtc::peer_connection::{PeerConnectionEventHandler, RTCIceConnectionState};

    #[tokio::test]
    async fn a_handshake_flight_that_is_sent_again_is_lost_on_the_way() {
        let (events, _events) = mpsc::channel(8);
        let (channels, _channels) = mpsc::channel(1);
        let callbacks = Callbacks::new((Seat(0), 0), "ufrag".to_owned(), PeerAddresses::default(), events, channels);
        let callbacks = Arc::new(callbacks);
        callbacks.on_ice_connection_state_change(RTCIceConnectionState::Connected).await;
        let socket = ObservedSocket { socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(), callbacks };
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        // A HelloVerifyRequest without a body, twice, and an application data record.
        let flight = [[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12].as_slice(), &[3], &[0; 11]].concat();
        for datagram in [&flight, &flight, &vec![23; 40]] {
            other.send_to(datagram, socket.local_addr().unwrap()).await.unwrap();
        }
        let mut heard = vec![];
        for _ in 0..2 {
            let (mut buffer, mut metas) = ([0; 64], [RecvMeta::default()]);
            let read = std::future::poll_fn(|context| {
                socket.poll_recv(context, &mut [IoSliceMut::new(&mut buffer)], &mut metas)
            });
            read.await.unwrap();
            heard.push(metas[0].len);
        }
        assert_eq!(heard, [flight.len(), 40]);
    }

    #[test]
    fn an_address_is_read_with_and_without_brackets_and_a_name_is_none() {
        let check = |host: &str, expected: Option<&str>| {
            assert_eq!(parse_address(host), expected.map(|text| text.parse().unwrap()), "{host}");
        };
        check("127.0.0.1:3478", Some("127.0.0.1:3478"));
        check("::1:3478", Some("[::1]:3478"));
        check("[::1]:3478", Some("[::1]:3478"));
        check("turn.example:3478", None);
        check("127.0.0.1", None);
    }
}
