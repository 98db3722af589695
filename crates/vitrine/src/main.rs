//! The binary.

fn main() -> std::process::ExitCode {
    vitrine::main()
}
