//! Nothing is built; that there is a build script makes features of what build scripts use count.

fn main() {}
