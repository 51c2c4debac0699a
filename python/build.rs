//! Functions that are the same are kept once, where Rust's own linker links: others know nothing of it.

fn main() {
    let of_target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if (of_target("OS").as_str(), of_target("ARCH").as_str(), of_target("ENV").as_str()) == ("linux", "x86_64", "gnu") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--icf=all");
    }
}
