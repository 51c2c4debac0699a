#![doc = include_str!("../README.md")]

pub mod forest;
mod seed;
