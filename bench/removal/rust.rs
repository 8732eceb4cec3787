//! PATH...: removes each with Rust's std::fs.

fn main() {
    for path in std::env::args_os().skip(1) {
        if let Err(error) = std::fs::remove_dir_all(path) {
            eprintln!("{}", error);
            std::process::exit(1);
        }
    }
}
