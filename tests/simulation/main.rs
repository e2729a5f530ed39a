//! On the virtual clock: whole rooms, the probe's diagnoses, edges and SCTP associations over a network that loses datagrams.

mod diagnosis_matrix;
mod packet_loss;
mod rooms;
mod sctp;
