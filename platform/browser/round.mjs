// A whole round as a course plays it, through the pages alone: an organiser, a team whose browser runs scripts, one whose browser does
// not, and one that is late. Then every page of every role, light and dark, wide and narrow, under axe-core (WCAG 2.2 AA).
//
//     node round.mjs wfkit-platform [FOLDER FOR PICTURES]
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PASSWORD, PATIENCE, Site, check, download, minutes, send, shows, text, until, upload } from "./site.mjs";

const [program, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "wfkit-browser-"));
const site = new Site(program, folder);
const step = (what) => console.log(`-- ${what}`);

/// Traces of 4 classes of 20, told by volume the better the larger `tell` is. The same seed, the same traces.
function traces(seed, tell) {
  let state = seed >>> 0;
  const draw = (below) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), (state >>> 8) % below);
  const lines = ["cell_id,rep,direction_size,timestamp"];
  for (let cell = 1; cell <= 4; cell++)
    for (let rep = 0; rep < 20; rep++)
      for (let packet = 0; packet < 8; packet++) {
        const size = 500 + draw(400) + tell * cell;
        const time = packet * 0.1 + (packet ? draw(50_000) / 1e6 : 0);
        lines.push(`${cell},${rep},${packet % 3 ? -size : size},${time.toFixed(6)}`);
      }
  return lines.join("\n") + "\n";
}

/// As long as a name may be, and nothing to break it at.
const LATE = "Late".padEnd(40, "x");

const python = (...args) => execFileSync("python3", args, { cwd: join(folder, "kit"), stdio: "pipe" });

async function main() {
  const link = site.tell("init", "--data", site.data, "--email", "boss@example.org").match(/(\/welcome\/\S+)/)[1];
  const url = await site.start();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const people = {};
  const errors = [];
  const somebody = async (name, options = {}) => {
    const context = await browser.newContext({ baseURL: url, acceptDownloads: true, ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    page.scripts = options.javaScriptEnabled !== false;
    page.on("pageerror", (error) => errors.push(`${name}: ${error}`));
    // A refusal is an answer too; all else that the console calls an error is one.
    page.on("console", (line) => {
      if (line.type() === "error" && !line.text().includes("status of 4")) errors.push(`${name}: ${line.text()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(url)) errors.push(`${name} asks elsewhere: ${request.url()}`);
    });
    return (people[name] = page);
  };

  step("an organiser sets a password by the link, once");
  const boss = await somebody("organiser");
  await boss.goto(link);
  await boss.locator('[name="password"]').fill(PASSWORD);
  await boss.locator('[name="again"]').fill(PASSWORD);
  await boss.locator("main form button").click();
  await send(boss, "/sign-in", { name: "organiser", password: PASSWORD });

  step("teams register, one of them without scripts");
  for (const [team, options] of [["Al", {}], ["Bo", { javaScriptEnabled: false }], ["Late", {}]]) {
    const page = await somebody(team, options);
    await page.goto("/register");
    const name = `${team.toLowerCase()}-player`.padEnd(team === "Late" ? 40 : 0, "x");
    await send(page, "/register", { name: "x", email: `${name}@example.org`, password: PASSWORD, again: PASSWORD });
    await shows(page, "3 to 40 letters");
    await send(page, "/register", { name, email: `${name}@example.org`, password: PASSWORD, again: PASSWORD });
    await send(page, "/team/create", { name: team === "Late" ? LATE : team });
    await shows(page, "Free seats: 1 of 2");
  }
  const code = await people.Al.locator("code").innerText();
  const partner = await somebody("partner");
  await partner.goto("/register");
  await send(partner, "/register", { name: "al-partner", email: "p@example.org", password: PASSWORD, again: PASSWORD });
  await send(partner, "/team/join", { code });
  await shows(partner, "al-partner, al-player");

  step("the organiser plans a round, and gives it undefended traffic");
  const times = (defence, attack, closes) => ({
    opens_at: minutes(-180), defence_at: minutes(defence), attack_at: minutes(attack), closes_at: minutes(closes),
  });
  await boss.goto("/organise/rounds/new");
  const rules = {
    classes: "4", reps_mean: "20", deviation: "5", min_packets: "5", test_traces: "40",
    matches_per_team: "1", seed: "7", profile: "balanced", counting: "best", incomplete: "play", specifications: "yes",
  };
  await send(boss, "/organise/rounds/1", { name: "", ...times(-120, 120, 240), ...rules });
  await shows(boss, "1 to 60 characters");
  await send(boss, "/organise/rounds/1", { name: "Opening night", ...times(-120, 120, 240), ...rules });
  await boss.goto("/organise/rounds/1");
  writeFileSync(join(folder, "undefended.csv"), traces(3, 0));
  await send(boss, "/organise/rounds/1/baseline", {}, { file: join(folder, "undefended.csv") });
  await boss.goto("/organise/rounds/1");
  await shows(boss, "Medians:");
  await boss.goto("/organise");
  await send(boss, "/organise/announcements", { text: "The first round is open." });

  step("defences, by the kit that the page gives out");
  const { Al: al, Bo: bo, Late: late } = people;
  await al.goto("/");
  await download(al, al.locator('a[href="/kit.zip"]'), join(folder, "kit.zip"));
  execFileSync("python3", ["-m", "zipfile", "-e", join(folder, "kit.zip"), folder]);
  writeFileSync(join(folder, "al.csv"), traces(1, 500));
  python("defence.py", "../al.csv", "../al.csv.zip", "100");
  writeFileSync(join(folder, "bo.csv"), traces(2, 0));
  writeFileSync(join(folder, "wrong.csv"), "cell_id,rep\n1,2\n");
  const refused = await upload(al, 1, "defence", join(folder, "wrong.csv"), "refused");
  await shows(al, "What is wrong", "column");
  const ofAl = await upload(al, 1, "defence", join(folder, "al.csv.zip"));
  await shows(al, "This defence counts", "house (totals)", "What the defence costs");
  const ofBo = await upload(bo, 1, "defence", join(folder, "bo.csv"));
  await bo.goto(ofAl);
  await shows(bo, "not for you to see");
  await download(bo, (await bo.goto(ofBo), bo.locator('a[href$="/file"]')), join(folder, "copy.csv"));
  check(readFileSync(join(folder, "copy.csv"), "utf8") === traces(2, 0), "a download is not what was uploaded");

  step("the attack phase begins, matches are drawn");
  await boss.goto("/organise/rounds/1");
  await shows(boss, `Without a match: ${LATE}`);
  await send(boss, "/organise/rounds/1", times(-120, -60, 240));
  await until(boss, "/rounds/1", "2 matches, drawn with seed 7");
  await late.goto("/rounds/1/defence");
  await shows(late, "Defences are uploaded in the defence phase");

  step("attacks on what the page gives out");
  const attacks = {};
  for (const [name, page, other] of [["al", al, 2], ["bo", bo, 1]]) {
    const place = join(folder, `targets-${name}`);
    mkdirSync(place);
    for (const part of ["train", "test"]) {
      await page.goto("/rounds/1/attack");
      const file = page.locator(`a[href="/rounds/1/targets/${other}/${part}.csv.zip"]`);
      await download(page, file, join(place, `team_${other}_${part}.csv.zip`));
    }
    python("attack.py", place, `../${name}-attack.csv.zip`);
    attacks[name] = await upload(page, 1, "attack", join(folder, `${name}-attack.csv.zip`));
    await shows(page, "your team", "public");
  }
  await until(boss, "/rounds/1/leaderboard", "Opening night");

  step("the organiser has it all scored again, and nothing differs");
  await boss.goto("/organise/rejudgings");
  await send(boss, "/organise/rejudgings", { round: "1", kind: "attack", reason: "to see" });
  const rejudging = new URL(boss.url()).pathname;
  await until(boss, rejudging, "2 of 2 judged, 0 would differ");

  step("the end, the board, the next round");
  await boss.goto("/organise/rounds/1");
  await send(boss, "/organise/rounds/1", { closes_at: minutes(-1) });
  await until(al, attacks.al, "private");
  await al.goto("/rounds/1/leaderboard");
  await shows(al, "Al", "Bo", LATE);
  const board = await (await al.request.get("/rounds/1/leaderboard.json")).json();
  const row = (name) => board.rows.find((one) => one.name === name);
  check(board.part === "private" && row(LATE).rank === null, JSON.stringify(board));
  check(row("Bo").privacy > row("Al").privacy, `who tells less has more privacy: ${JSON.stringify(board.rows)}`);
  await al.goto("/leaderboard");
  await shows(al, "Al");
  await boss.goto("/organise/rounds/new");
  await send(boss, "/organise/rounds/2", { name: "The next night", ...times(-10, 120, 240), ...rules });
  await late.goto("/");
  await shows(late, "2: The next night", "The first round is open.");
  writeFileSync(join(folder, "late.csv"), traces(4, 100));
  await upload(late, 2, "defence", join(folder, "late.csv"));
  await boss.goto("/organise/rounds/2");
  await send(boss, "/organise/rounds/2/baseline", {}, { file: join(folder, "undefended.csv") });
  await bo.goto("/rounds/2/defence");
  await send(bo, "/rounds/2/specification", { specification: "tamarow" });
  await shows(bo, "there is no defence `tamarow`");
  await send(bo, "/rounds/2/specification", { specification: "pad:mtu,to=1500B" });
  const specified = new URL(bo.url()).pathname;
  await until(bo, specified, "This defence counts");
  await shows(bo, "pad:mtu,to=1500B, run by the server");

  step("every page, under axe-core");
  const reset = () => site.tell("admin", "reset", "--data", site.data, "al-partner").match(/\/welcome\/(\S+)/)[1];
  const fill = (path, id) =>
    path.replace("{round}", "1").replace("{team}", "1").replace("{id}", id).replace("{secret}", reset());
  const visitor = await somebody("visitor");
  const viewers = { anyone: [visitor, al], account: [al], player: [al], organiser: [boss] };
  const looked = new Set();
  let findings = 0;
  for (const { need, path } of site.pages()) {
    const own = path.includes("/rejudgings/") ? [rejudging] : path.includes("{id}") ? [ofAl, refused, attacks.al] : [""];
    for (const page of viewers[need])
      for (const id of own) {
        const place = fill(path, id.split("/").at(-1));
        const answer = await page.request.get(place, { maxRedirects: 0 });
        if (!(answer.headers()["content-type"] ?? "").startsWith("text/html")) continue;
        findings += await examine(page, place, path);
        looked.add(path);
      }
  }
  // What else looks like a page: forms that were wrong, refusals, states in between.
  findings += await examine(visitor, "/nowhere", "/nowhere");
  for (const round of [1, 2]) {
    findings += await examine(late, `/rounds/${round}/defence`, `defence ${round}`);
    findings += await examine(boss, `/organise/rounds/${round}`, `organise ${round}`);
  }
  await visitor.goto("/register");
  await send(visitor, "/register", { name: "x", email: "x@example.org", password: "x", again: "y" });
  findings += await examine(visitor, null, "register, wrong");
  await visitor.goto("/sign-in");
  await send(visitor, "/sign-in", { name: "x", password: "y" });
  findings += await examine(visitor, null, "sign-in, wrong");
  await al.goto("/account");
  await send(al, "/account/tokens", { label: "a notebook" });
  findings += await examine(al, null, "account, with a token");
  await boss.goto("/organise/people");
  await send(boss, "/organise/people/import", { list: "dora,dora@example.org,Do\n" });
  findings += await examine(boss, null, "people, with links");

  step("by keyboard alone: to the content, and through a form");
  const keys = await somebody("keyboard");
  await keys.goto("/sign-in");
  await keys.keyboard.press("Tab");
  check((await keys.evaluate("document.activeElement.textContent")) === "Skip to the content", "no way past the menu");
  await keys.keyboard.press("Enter");
  await keys.keyboard.press("Tab");
  await keys.keyboard.type("al-player");
  await keys.keyboard.press("Tab");
  await keys.keyboard.type(PASSWORD);
  await Promise.all([keys.waitForURL((there) => !there.pathname.includes("sign-in")), keys.keyboard.press("Enter")]);
  await keys.goto("/account");
  await shows(keys, "al-player");

  check(errors.length === 0, `the browser complains:\n${errors.join("\n")}`);
  check(findings === 0, `${findings} findings of axe-core`);
  await browser.close();
  console.log(`browser: a round played, ${looked.size} pages looked at in three forms, no finding`);
}

/// Looks at a page wide and light, narrow and dark, and as it is printed; the number of findings, which it prints. Without a place, at what is shown.
async function examine(page, place, name) {
  let findings = 0;
  for (const [width, colorScheme, media] of [[1100, "light", "screen"], [320, "dark", "screen"], [794, "light", "print"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme, media });
    // Paper takes what the wide screen has shown.
    if (place && media === "screen") await page.goto(place);
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const { violations } = await window.axe.run(document, { runOnly: tags });
      return violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" | ")}`);
    });
    const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
    if (wide > 0) found.push(`${wide} pixels wider than the screen`);
    const clipped = await page.evaluate(() => [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth).length);
    if (media === "print" && clipped > 0) found.push(`${clipped} tables are not whole on paper`);
    for (const one of found) console.log(`${name}, ${width} pixels, ${colorScheme}, ${media}: ${one}`);
    findings += found.length;
    if (pictures) {
      mkdirSync(pictures, { recursive: true });
      const file = `${name.replace(/\W+/g, "-")}-${width}-${colorScheme}${media === "print" ? "-print" : ""}.png`;
      await page.screenshot({ path: join(pictures, file), fullPage: true });
    }
  }
  await page.emulateMedia({ media: "screen" });
  return findings;
}

try {
  await main();
} catch (error) {
  console.error(error.stack ?? error);
  console.error(`the server said:\n${(() => { try { return readFileSync(site.log, "utf8"); } catch { return ""; } })()}`);
  process.exitCode = 1;
} finally {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
}
// Chromium that an error left open does not keep the script.
process.exit();
