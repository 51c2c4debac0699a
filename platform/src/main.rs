//! The program `wfkit-platform`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;
use tokio::sync::watch;
use wfkit_platform::backup::{DATABASE, FILES, backup, export, import};
use wfkit_platform::store::accounts;
use wfkit_platform::{
    Apart, App, Carrier, Clock, Failure, Files, HouseAttacker, Lab, Options, Post, Registration, RouteLine, Store,
    World, acts, demo, route_table, router, work,
};

/// A privacy competition on one machine: teams, rounds, defences, attacks, scores
#[derive(Debug, Parser)]
#[command(name = "wfkit-platform", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a data folder and the first organiser, who sets a password by the link that is printed
    Init {
        #[command(flatten)]
        data: Data,
        /// Name of the organiser
        #[arg(long, default_value = "organiser")]
        name: String,
        /// E-mail address of the organiser
        #[arg(long)]
        email: String,
    },
    /// Serve a competition until it is told to stop (Ctrl-C); what is being checked is checked to its end
    Serve {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        serve: Serve,
    },
    /// What only somebody on this machine may do
    #[command(subcommand)]
    Admin(Admin),
    /// Serve a small competition over real traces: six teams, two rounds that are over and one that runs
    Demo {
        /// Folder for it, made anew; by default one that is removed at the end
        #[arg(long)]
        data: Option<PathBuf>,
        #[command(flatten)]
        serve: Serve,
        /// Make it and stop
        #[arg(long)]
        no_serve: bool,
    },
    /// Copy everything to a new folder, while the server runs; `serve --data` takes it as it is
    Backup {
        #[command(flatten)]
        data: Data,
        /// Folder to make
        #[arg(long)]
        to: PathBuf,
    },
    /// Write everything to one archive, while the server runs
    Export {
        #[command(flatten)]
        data: Data,
        /// Archive to write, such as competition.zip
        #[arg(long)]
        to: PathBuf,
    },
    /// Read such an archive into a new data folder, and a database that is empty: of either kind, whatever the other was
    Import {
        #[command(flatten)]
        data: Data,
        /// The archive
        archive: PathBuf,
    },
    /// List every address of the site, and who may ask for it
    Routes,
    /// Computes one job for the server, which starts it
    #[command(hide = true)]
    Job {
        #[arg(long)]
        files: PathBuf,
        #[arg(long)]
        unique: String,
        #[arg(long)]
        memory: u64,
        #[arg(long)]
        seconds: u64,
    },
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Make another organiser
    Create {
        #[command(flatten)]
        data: Data,
        /// Name
        name: String,
        /// E-mail address
        email: String,
    },
    /// A link by which an account sets a new password, once and within a day
    Reset {
        #[command(flatten)]
        data: Data,
        /// Name
        name: String,
    },
}

#[derive(Debug, Args)]
struct Data {
    /// Folder of the database and of all files
    #[arg(long, env = "WFKIT_PLATFORM_DATA", default_value = "competition-data")]
    data: PathBuf,
    /// A database of PostgreSQL instead of a file in the folder, as postgres://USER@HOST/NAME; all processes that share it share the
    /// folder too. The password is better in ~/.pgpass than here
    #[arg(long, env = "WFKIT_PLATFORM_DATABASE", hide_env_values = true, value_name = "ADDRESS")]
    database: Option<String>,
    /// Files in a store that machines share, as s3://BUCKET/PREFIX (keys, region and endpoint in AWS_... variables; a program built with
    /// `--features s3`) or file:///FOLDER; the data folder then has copies. Without it they are in the data folder
    #[arg(long, env = "WFKIT_PLATFORM_OBJECTS", value_name = "ADDRESS")]
    objects: Option<String>,
}

#[derive(Debug, Args)]
struct Serve {
    /// Address to listen on. Others than those of this machine itself need --secure and a proxy that speaks TLS
    #[arg(long, env = "WFKIT_PLATFORM_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Workers that check and score, each on a core; 0 leaves it to other processes on the same folder
    #[arg(long, default_value_t = default_workers())]
    workers: usize,
    /// Name of the competition
    #[arg(long, env = "WFKIT_PLATFORM_TITLE", default_value = "Secret Race Strolling")]
    title: String,
    /// Who may register
    #[arg(long, value_enum, default_value_t = WhoRegisters::Invitation)]
    registration: WhoRegisters,
    /// Cookies go over TLS only: the server stands behind a proxy that speaks it
    #[arg(long)]
    secure: bool,
    /// How mail is sent: smtp://USER:PASSWORD@HOST:587?tls=required, smtps://.., or file:DIR, which writes files. Without it none is,
    /// and organisers hand out links
    #[arg(
        long,
        env = "WFKIT_PLATFORM_MAIL",
        hide_env_values = true,
        value_name = "ADDRESS",
        requires = "site",
        requires = "mail_from"
    )]
    mail: Option<String>,
    /// Who mail is from, such as 'Race <race@example.org>'
    #[arg(long, env = "WFKIT_PLATFORM_MAIL_FROM", value_name = "SENDER")]
    mail_from: Option<String>,
    /// Address of the site that links in mail begin with, such as https://race.example.org
    #[arg(long, env = "WFKIT_PLATFORM_SITE", value_name = "ADDRESS")]
    site: Option<String>,
    /// Attacks of the toolkit that run on every defence, when nothing waits to be checked
    #[arg(long, value_enum, value_delimiter = ',', default_value = "kfp,best")]
    house: Vec<House>,
    /// Memory that the check of one upload may have, in MiB; what needs more is refused
    #[arg(long, default_value_t = 2048, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..))]
    job_memory: u64,
    /// Processor time that it may have, in seconds over all cores
    #[arg(long, default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    job_seconds: u64,
    /// The program of the laboratory, wfkit-lab: it records defences of SecretStroll where a round takes them. Without it they wait for a
    /// process that has one
    #[arg(long, env = "WFKIT_PLATFORM_LAB", value_name = "PROGRAM")]
    lab: Option<PathBuf>,
    /// How long one recording may take, in minutes
    #[arg(long, default_value_t = 240, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    lab_minutes: u64,
    /// Addresses of clients, which limits count by, are what a proxy says (the last of X-Forwarded-For)
    #[arg(long)]
    behind_proxy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WhoRegisters {
    Open,
    Invitation,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum House {
    Kfp,
    Best,
    None,
}

impl House {
    fn attacker(self) -> Option<HouseAttacker> {
        match self {
            Self::Kfp => Some(HouseAttacker::Kfp),
            Self::Best => Some(HouseAttacker::Best),
            Self::None => None,
        }
    }
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

impl Serve {
    fn lab(&self) -> anyhow::Result<Option<Lab>> {
        let Some(program) = &self.lab else { return Ok(None) };
        if !program.is_file() {
            bail!("{} is no program: --lab names the one of the laboratory, wfkit-lab", program.display());
        }
        Ok(Some(Lab { program: std::path::absolute(program)?, limit: Duration::from_secs(60 * self.lab_minutes) }))
    }

    fn options(&self) -> anyhow::Result<Options> {
        let post = match (&self.mail, &self.mail_from, &self.site) {
            (Some(address), Some(from), Some(site)) => {
                let carrier = Carrier::parse(address).map_err(|why| anyhow::anyhow!("the address of --mail: {why}"))?;
                Some(Post { from: from.clone(), site: site.clone(), carrier })
            }
            _ => None,
        };
        Ok(Options {
            post,
            apart: Some(Apart { memory_mib: self.job_memory, seconds: self.job_seconds, ..Apart::of_this_program() }),
            lab: self.lab()?,
            title: self.title.clone(),
            registration: match self.registration {
                WhoRegisters::Open => Registration::Open,
                WhoRegisters::Invitation => Registration::Invitation,
                WhoRegisters::Closed => Registration::Closed,
            },
            secure: self.secure,
            behind_proxy: self.behind_proxy,
            house: self.house.iter().filter_map(|one| one.attacker()).collect(),
            ..Options::default()
        })
    }
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Command::Job { files, unique, memory, seconds } = &cli.command {
        return Ok(work::run_job(files, unique, *memory, *seconds)?);
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    let ended = tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(cli.command));
    ended.map_err(|error| match error.downcast::<Failure>() {
        Ok(failure) => anyhow::anyhow!(in_full(failure)),
        Err(error) => error,
    })
}

/// What is for whoever started the program; all else is in the log.
#[allow(clippy::print_stdout, reason = "the one place that prints")]
fn say(text: &str) {
    println!("{text}");
}

async fn open(data: &Data, options: Options, clock: Clock) -> anyhow::Result<App> {
    let store = match &data.database {
        Some(address) => Store::open_postgres(address).await.context("the database of --database cannot be opened")?,
        None => {
            let file = data.data.join(DATABASE);
            Store::open(&file).await.with_context(|| format!("{} cannot be opened", file.display()))?
        }
    };
    let folder = data.data.join(FILES);
    let files = match &data.objects {
        Some(address) => {
            Files::at_address(&folder, address, std::env::vars()).context("the store of --objects cannot be opened")?
        }
        None => Files::open(&folder).with_context(|| format!("{} cannot be opened", folder.display()))?,
    };
    Ok(App::new(store, files, World { clock, ..World::system() }, options))
}

async fn open_existing(data: &Data, options: Options) -> anyhow::Result<App> {
    if data.database.is_none() && !data.data.join(DATABASE).exists() {
        bail!("no competition in {}: `wfkit-platform init --data {0} --email YOU` makes one", data.data.display());
    }
    let app = open(data, options, Clock::System).await?;
    if !has_accounts(&app).await? {
        bail!("the database is empty: `wfkit-platform init` makes a competition, `import` reads one");
    }
    Ok(app)
}

async fn has_accounts(app: &App) -> anyhow::Result<bool> {
    Ok(accounts::count(&mut *app.store.read().await?).await? > 0)
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Init { data, name, email } => {
            make_private(&data.data)?;
            let app = open(&data, Options::default(), Clock::System).await?;
            let data = data.data;
            if has_accounts(&app).await? {
                bail!("{} holds a competition already; `admin create` makes another organiser", data.display());
            }
            let secret = acts::make_organiser(&app, "the command line", &name, &email).await?;
            say(&format!("{} is made.", data.display()));
            say(&format!("Next: wfkit-platform serve --data {}", data.display()));
            say(&format!("Then open, once and within a day: http://127.0.0.1:8080/welcome/{secret}"));
        }
        Command::Serve { data, serve } => {
            let app = open_existing(&data, serve.options()?).await?;
            listen(app, serve.workers, bind(&serve).await?).await?;
        }
        Command::Admin(Admin::Create { data, name, email }) => {
            let app = open_existing(&data, Options::default()).await?;
            let secret = acts::make_organiser(&app, "the command line", &name, &email).await?;
            say(&format!("Organiser {name} sets a password, once and within a day, at /welcome/{secret}"));
        }
        Command::Admin(Admin::Reset { data, name }) => {
            let app = open_existing(&data, Options::default()).await?;
            let secret = match acts::reset_link(&app, "the command line", &name).await {
                Err(Failure::NotFound) => bail!("no account is named {name}"),
                made => made?,
            };
            say(&format!("{name} sets a new password, once and within a day, at /welcome/{secret}"));
        }
        Command::Demo { data, serve, no_serve } => {
            let kept = data.is_some();
            let folder =
                data.unwrap_or_else(|| std::env::temp_dir().join(format!("wfkit-demo-{}", World::system().id())));
            if folder.exists() {
                bail!("{} exists; a demo begins with a new folder", folder.display());
            }
            // Before the work: what cannot be served need not be made.
            let listener = if no_serve { None } else { Some(bind(&serve).await?) };
            make_private(&folder)?;
            let result = run_demo(&folder, &serve, listener).await;
            if !kept {
                std::fs::remove_dir_all(&folder)?;
            }
            result?;
        }
        Command::Backup { data, to } => {
            let app = open_existing(&data, Options::default()).await?;
            backup(&app.store, &app.files, &to).await?;
            say(&format!("{} is a copy of everything.", to.display()));
        }
        Command::Export { data, to } => {
            let app = open_existing(&data, Options::default()).await?;
            export(&app.store, &app.files, &to).await?;
            say(&format!("{} has everything.", to.display()));
        }
        Command::Import { data, archive } => {
            if data.data.exists() {
                bail!("{} exists; an archive is read into a new folder", data.data.display());
            }
            make_private(&data.data)?;
            let app = open(&data, Options::default(), Clock::System).await?;
            if let Err(failure) = import(&app.store, &app.files, &archive).await {
                // Made a moment ago, by this very command.
                std::fs::remove_dir_all(&data.data)?;
                bail!("{}: {}", archive.display(), in_full(failure));
            }
            say(&format!("{} has everything that was in the archive.", data.data.display()));
        }
        Command::Job { .. } => unreachable!("a job needs no runtime: `main` has run it"),
        Command::Routes => {
            for RouteLine { method, path, need, .. } in route_table() {
                say(&format!("{method:<4} {need:<9} {path}"));
            }
        }
    }
    Ok(())
}

/// What went wrong, also where pages would not say so.
fn in_full(failure: Failure) -> String {
    match failure {
        Failure::Broken(why) => why,
        other => other.to_string(),
    }
}

async fn run_demo(folder: &Path, serve: &Serve, listener: Option<TcpListener>) -> anyhow::Result<()> {
    let options = Options { registration: Registration::Open, ..serve.options()? };
    let clock = Clock::standing(World::system().clock.now());
    let data = Data { data: folder.to_owned(), database: None, objects: None };
    let app = open(&data, options.clone(), clock).await?;
    let sign_ins = demo::fill(&app).await?;
    app.store.close().await;
    let (name, secret) = &sign_ins.organiser;
    let place = listener.as_ref().map_or(Ok(serve.listen), TcpListener::local_addr)?;
    say(&format!("Organiser {name}: set a password at http://{place}/welcome/{secret}"));
    for (name, password) in &sign_ins.players {
        say(&format!("Player {name}, password {password}"));
    }
    match listener {
        Some(listener) => listen(open(&data, options, Clock::System).await?, serve.workers, listener).await,
        None => Ok(()),
    }
}

/// What others on this machine may not read: uploads, truth, hashes.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

async fn bind(serve: &Serve) -> anyhow::Result<TcpListener> {
    if !serve.listen.ip().is_loopback() && !serve.secure {
        bail!("{} is open to others: put a proxy that speaks TLS before it and add --secure", serve.listen);
    }
    TcpListener::bind(serve.listen)
        .await
        .with_context(|| format!("{} cannot be listened on; --listen takes another", serve.listen))
}

async fn listen(app: App, workers: usize, listener: TcpListener) -> anyhow::Result<()> {
    say(&format!("http://{} (Ctrl-C ends it)", listener.local_addr()?));
    let (stop, stopped) = watch::channel(false);
    let work = work::run(app.clone(), workers, stopped.clone());
    let no_more = stop.clone();
    let workers = tokio::spawn(async move {
        let ended = work.await;
        // Pages without anything behind them would only look well.
        let _ = no_more.send(true);
        ended
    });
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        asked_to_stop().await;
        let _ = stop.send(true);
    });
    let mut until = stopped;
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let _ = until.changed().await;
        })
        .await?;
    workers.await?.map_err(|failure| anyhow::anyhow!(in_full(failure)))?;
    app.store.close().await;
    Ok(())
}

async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
