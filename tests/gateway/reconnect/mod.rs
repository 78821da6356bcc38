//! Consoles that are lost and opened again while the viewer stays connected.

mod after_the_gap;
mod arrival;
mod given_up;
mod watching;
