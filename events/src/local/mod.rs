//! Local AWS: `flotilla up`, `flotilla status` and `flotilla down`.
//!
//! `up` is a row of steps, each of which does only what is not done yet: the tools of the machine, the emulator's
//! virtual environment, the npm packages of `cdk/`, the workers' binaries, the server, the stack. What they make is
//! below `.flotilla/` in the checkout and nowhere else; a checkout without that folder has never been up.
//!
//! ```text
//! .flotilla/
//!   venv/                   the emulator and its Python packages
//!   bin/WORKER/bootstrap    what the stack's functions run
//!   server.json             the server that runs (see `Server`)
//!   outputs.json            the stack's outputs: {"flotilla-local": {KEY: VALUE}}
//!   server/                 what belongs to the server that runs; the next one begins empty
//!   log/                    what each step's programs said
//! ```

mod checkout;
mod clock;
mod deploy;
mod down;
mod error;
mod http;
mod interrupt;
mod lock;
mod next_steps;
mod npm_packages;
mod process;
mod program;
mod progress;
mod query;
mod server;
mod signature;
mod status;
mod tools;
mod up;
mod virtual_environment;
mod workers;

pub use checkout::Checkout;
pub use down::{Down, down};
pub use error::{Failure, LocalError};
pub use interrupt::Interrupt;
pub use next_steps::NextSteps;
pub use progress::Progress;
pub use server::Server;
pub use status::{Status, status};
pub use up::{DEFAULT_PORT, Options, Outcome, Step, StepReport, Up, up};
