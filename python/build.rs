//! Functions that generic code came out as more than once are linked once, which takes a tenth off the wheel.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The linker that Rust brings for this system can; others may not.
    if std::env::var("TARGET").is_ok_and(|target| target == "x86_64-unknown-linux-gnu") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--icf=all");
    }
}
