//! On the virtual clock: whole rooms, the probe's diagnoses, one edge over a network that loses datagrams.

mod diagnosis_matrix;
mod packet_loss;
mod rooms;
