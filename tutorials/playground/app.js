// The page: a state of short texts, which a link holds, and one way to draw it.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse($("data").textContent);
  const nets = engine.networks(data.weights, data.scales);
  const committees = { plain: nets.slice(0, 10), noise: nets.slice(10) };
  const pixels = engine.bytes(data.images), SHARP = 1000, { PIXELS, SIDE } = engine;
  const images = data.labels.map((_, i) =>
    Float64Array.from(pixels.subarray(i * PIXELS, (i + 1) * PIXELS), (v) => v / 255));

  // --- State ------------------------------------------------------------------------
  const ATTACK = ["level", "digit", "drawn", "label", "net", "eps", "steps", "rule",
    "whose", "on", "defence", "flaw"]; // a change of these is another attack
  const CARDS = $$("details[id]").map((card) => card.id);
  const allowed = (name, value) => new RegExp(`^(${data.patterns[name]})$`).test(value);
  let state = data.start;

  /** The state in which a level starts, or with 0 the free mode. */
  const presets = (to = "0") => ({ ...data.start, ...data.levels[to - 1]?.setting, level: String(to) });

  /** The state that a link holds, or the start if any of it can't be. */
  function read(hash) {
    const found = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
    const right = Object.entries(found).every(([name, value]) =>
      Object.hasOwn(data.patterns, name) && allowed(name, value));
    const whole = { ...presets(found.level), ...found };
    return right && (whole.digit !== "drawn" || (whole.drawn && whole.label)) ? whole : data.start;
  }

  /** What a link holds: all that isn't as at the start of the level. */
  const hash = (extra) => String(new URLSearchParams(Object.entries({ ...state, ...extra })
    .filter(([name, value]) => name === "level" || value !== presets(state.level)[name])));

  const WITH = { drawn: "digit", label: "digit" }; // the lock of parts that have none of their own
  const locked = (name) => state.lock.split(",").includes(WITH[name] ?? name);
  /** Whether a change touches what is locked, or is one that no link can hold. */
  const refused = (patch) => Object.entries(patch).some(([name, value]) =>
    !allowed(name, value) || (locked(name) && value !== state[name]));
  const timers = {};

  /** Call a function once, after so many milliseconds without another call. */
  function later(name, call, wait) {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(call, wait);
  }

  /** Change the state, unless the change is refused. */
  function set(patch) {
    if (refused(patch)) return;
    const next = { ...state, ...patch };
    if (ATTACK.some((name) => state[name] !== next[name])) next.step = "";
    state = next;
    timers.draw ??= requestAnimationFrame(() => { delete timers.draw; draw(); });
    later("hash", () => history.replaceState(null, "", `#${hash()}`), 250);
  }

  const level = () => Number(state.level);
  const part = (list) => state[list].split(",")[level() - 1];
  const answered = () => part("guess") !== "";
  const put = (list, value) => ({ [list]: state[list].split(",")
    .map((old, i) => (i === level() - 1 ? String(value) : old)).join(",") });

  /** Go to a level, or with 0 to the free mode. */
  function go(to) {
    const { guess, best, open, tiles, lock } = state;
    set({ ...presets(to), guess, best, open, tiles, lock });
  }

  // --- The attack -------------------------------------------------------------------
  /** Attack an image by a setting, which is a state or part of a level. */
  function attack(s, x, y, eps = s.eps / 100) {
    const team = committees[s.net].filter((_, i) => s.on[i] === "1");
    const sharp = s.defence === "mask" ? SHARP : 1, slope = s.flaw === "mask" ? 1 : sharp;
    const followed = /\d/.test(s.whose) ? [committees[s.net][s.whose]] : team;
    const steps = s.rule === "fgsm" ? 1 : Number(s.steps);
    const path = engine.bim((v) => engine.gradient(followed, v, y, s.whose, slope), x,
      eps, eps / steps, steps);
    const end = s.defence === "bits" ? engine.rounded(path[steps], x, eps) : path[steps];
    return { x, y, team, sharp, slope, steps, path, end };
  }

  const label = () => Number(state.digit === "drawn" ? state.label : data.labels[state.digit]);
  let latest = { key: "" };

  /** The state's attack, computed when it has changed, and the step that is shown. */
  function current() {
    const key = ATTACK.map((name) => state[name]).join();
    const x = state.digit === "drawn" ? undrawn(state.drawn) : images[state.digit];
    if (latest.key !== key) latest = { key, ...attack(state, x, label()) };
    const { path, steps, end } = latest;
    const step = state.step === "" ? steps : Math.min(state.step, steps);
    return { ...latest, step, shown: step === steps ? end : path[step] };
  }

  // --- Drawing ----------------------------------------------------------------------
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const rgb = (name) => css(name).match(/\w\w/g).map((two) => parseInt(two, 16));
  let inks = [];

  /** Paint values into a canvas: grey ones in [0, 1], or with a scale red and blue. */
  function paint(canvas, values, scale = null, side = SIDE) {
    const [paper, ink, up, down] = inks, picture = new ImageData(side, side);
    canvas.width = canvas.height = side;
    values.forEach((v, i) => {
      const to = scale === null ? ink : v > 0 ? up : down;
      const much = scale === null ? v : scale && Math.min(1, Math.abs(v) / scale);
      for (let c = 0; c < 3; c++) {
        picture.data[4 * i + c] = paper[c] + much * (to[c] - paper[c]);
      }
      picture.data[4 * i + 3] = 255;
    });
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  const largest = (values) => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const percent = (p) => (p > 0.9949 && p < 1 ? ">99" : Math.round(100 * p)) + " %";
  const number = (hundredths) => (hundredths / 100).toFixed(2);

  const text = (id, words) => { if ($(id).textContent !== words) $(id).textContent = words; };

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    Object.entries(attributes).forEach(([name, v]) => element.setAttribute(name, v));
    element.append(...children);
    return element;
  }

  /** Add a picture of values with a caption. */
  function figure(into, values, scale, side, alt, caption = "") {
    const canvas = make("canvas", { role: "img", "aria-label": alt });
    paint(canvas, values, scale, side);
    into.append(make("figure", {}, canvas, make("figcaption", {}, caption)));
  }

  let spoken = 0;
  /** Tell a screen reader, at most every 300 ms. */
  function say(words) {
    later("say", () => { text("say", words); spoken = performance.now(); },
      Math.max(0, spoken + 320 - performance.now()));
  }

  /** Draw everything as the state says. */
  function draw() {
    inks = ["--image", "--image-ink", "--up", "--down"].map(rgb);
    const now = current(), each = engine.votes(now.team, now.shown, now.sharp);
    const seen = engine.argmax(engine.mean(each)), fooled = seen !== now.y;
    if (level() && answered() && fooled && now.step === now.steps && !blind()) {
      state = { ...state, ...put("best", Math.min(part("best") || 31, state.eps)) };
    }
    drawStage(now, each, seen, fooled);
    drawTiles(now, each);
    drawPanels();
    drawControls(now);
    if (level()) drawLevel();
    else { asked = ""; later("count", countAll, 400); }
    if ($("inside").open) drawInside(now);
    drawCode();
    $("link").value = link();
  }

  /** Whether the flaw of level 6 is still to be named. */
  const blind = () => state.defence === "mask" && state.flaw !== "mask";

  function drawStage({ x, y, shown, step, steps }, each, seen, fooled) {
    const eps = number(state.eps), n = each.length, who = n === 1 ? "The network" : "The committee";
    [["original", x, null, `a ${y}`], ["attacked", shown, null, `read as ${seen}`],
      ["change", shown.map((v, i) => v - x[i]), state.eps / 100, `at most ${eps}`],
    ].forEach(([id, values, scale, words]) => {
      paint($(id), values, scale);
      text(`${id}-is`, words);
    });
    $("verdict").replaceChildren(fooled ? `${who} reads this ${y} as ` : `${who} still sees `,
      make("b", {}, `a ${seen}`), ".");
    $("verdict").className = fooled ? "is-wrong" : "is-right";
    const wrong = each.filter((p) => engine.argmax(p) !== y).length;
    text("detail", (step < steps ? `Step ${step} of ${steps}. ` : "") +
      (n === 1 ? "It is " : `${wrong} of ${n} are wrong, together `) +
      `${percent(engine.mean(each)[seen])} sure.`);
    say(`${$("verdict").textContent} ${$("detail").textContent} eps is ${eps}.`);
    $$("[data-show=label]").forEach((place) => { place.textContent = y; });
  }

  function drawTiles(now, each) {
    const votes = [...each];
    $("tiles").classList.toggle("gradients", state.tiles === "gradients");
    $$(".tile").forEach((tile, i) => {
      const on = state.on[i] === "1", p = on ? votes.shift() : [], vote = engine.argmax(p);
      const right = vote === now.y, [, voted, bar, sure, canvas] = tile.children;
      tile.className = "tile" + (!on ? "" : right ? " right" : " wrong");
      tile.setAttribute("aria-pressed", on);
      tile.setAttribute("aria-label", `Network ${i + 1} ` +
        (on ? `sees a ${vote}, ${percent(p[vote])} sure` : "is off"));
      tile.disabled = level() > 0 || locked("on");
      voted.textContent = vote;
      bar.firstChild.style.width = `${on ? 100 * p[vote] : 0}%`;
      sure.textContent = on ? `${right ? "\u2713" : "\u2717"} ${percent(p[vote])}` : "off";
      if (state.tiles === "gradients") {
        const { dx } = engine.cost(committees[state.net][i], now.shown, now.y, now.slope);
        paint(canvas, dx, largest(dx));
      }
    });
  }

  function drawPanels() {
    const waits = level() > 0 && !answered();
    $$("[data-level], [data-phase]").forEach((panel) => {
      const { level: at = state.level, phase } = panel.dataset;
      panel.hidden = !at.includes(state.level) || (waits && phase === "answered");
    });
    $$("#levels button").forEach((button) => {
      const at = Number(button.dataset.go), best = state.best.split(",")[at - 1];
      const done = at > 0 && best !== "" && best <= data.levels[at - 1].par.eps;
      button.setAttribute("aria-current", at === level());
      button.classList.toggle("done", done);
      button.setAttribute("aria-label", at === 0 ? "Free mode"
        : `Level ${at}${done ? ", solved at par" : ""}`);
      button.disabled = at !== level() && refused(presets(at));
    });
    $("locked").hidden = state.lock === "";
    $$("[data-flaw]").forEach((it) => it.setAttribute("aria-pressed", it.dataset.flaw === state.flaw));
    $$("[data-says]").forEach((words) => { words.hidden = words.dataset.says !== state.flaw; });
  }

  function drawControls(now) {
    const shown = { ...state, step: now.step, label: now.y };
    $("step").max = now.steps;
    $$("main [name]").filter((control) => !control.closest("#locks")).forEach((control) => {
      const { name } = control;
      if (control.type === "radio") control.checked = control.value === shown[name];
      else control.value = shown[name];
      control.disabled = locked(name) || (name === "label" && state.digit !== "drawn");
    });
    $$("[data-by]").forEach((button) => { button.disabled = locked(button.name); });
    if (state.rule === "fgsm") $("steps-set").hidden = true;
    $("step-set").hidden = now.steps === 1;
    text("eps-is", number(state.eps));
    text("steps-is", state.steps);
    text("step-is", `${now.step} of ${now.steps}`);
    $$("#whose [data-all]").forEach((option) => { option.hidden = level() === 2; });
    $$("#thumbs button").forEach((button, i) => {
      button.setAttribute("aria-pressed", String(i) === state.digit);
      button.disabled = locked("digit");
      if ($("digits").open) paint(button.firstChild, images[i]);
    });
    CARDS.forEach((id) => { $(id).open = state.open.split(",").includes(id); });
  }

  // --- Levels -----------------------------------------------------------------------
  let asked = ""; // what is on the strip: the level, the guess and the colours

  function drawLevel() {
    const { question, par } = data.levels[level() - 1], best = part("best");
    text("ask", question.words);
    $$("#guess button").forEach((button) => {
      button.setAttribute("aria-pressed", part("guess") === button.textContent);
      button.disabled = answered();
    });
    const now = [level(), part("guess"), inks].join();
    if (asked !== now) {
      asked = now;
      $("strip").replaceChildren();
      question.digits.forEach((i) =>
        figure($("strip"), images[i], null, SIDE, `a ${data.labels[i]}`, "\u00a0"));
      text("answer", "");
      if (answered()) answer(question, presets(level()), part("guess"));
    }
    const gap = best - par.eps;
    text("score", best === "" ? `Par is ${number(par.eps)}. Not fooled yet.`
      : `Your best is ${number(best)}, par is ${number(par.eps)}. ` + (gap > 0
        ? "Can you do with less?" : gap < 0 ? "\u2605 Better than par!" : "\u2605 Par!"));
  }

  /** Attack the ten digits of a question, one after another, and mark those that fall. */
  function answer(question, s, guess, i = 0, fallen = 0) {
    const digit = question.digits[i], y = data.labels[digit], of = asked;
    const { team, end, sharp } = attack(s, images[digit], y, question.eps[i] / 1000);
    const seen = engine.see(team, end, sharp), [canvas, word] = $("strip").children[i].children;
    fallen += seen !== y;
    paint(canvas, end);
    canvas.setAttribute("aria-label", `a ${y}, read as a ${seen}`);
    word.textContent = seen;
    word.className = seen === y ? "right" : "wrong";
    if (i + 1 < question.digits.length) {
      later("answer", () => asked === of && answer(question, s, guess, i + 1, fallen), 0);
    } else {
      text("answer", `You said ${guess}. ${fallen} of ten ${fallen === 1 ? "falls" : "fall"}.`);
      say($("answer").textContent);
    }
  }

  // --- Counting ---------------------------------------------------------------------
  const interval = (right, n) => `${(100 * right / n).toFixed(n > 100 ? 1 : 0)} % ` +
    `[${engine.wilson(right, n).map((v) => Math.round(100 * v)).join(", ")}]`;

  /** Beside what minidl counted on 1,000 images, attack all digits of the page. */
  function countAll() {
    const s = state, key = ATTACK.slice(4).map((name) => s[name]).join();
    if (countAll.key === key) return;
    const { counts, images: n, steps, every } = data.table, at = Math.floor(s.eps / every);
    const there = s.on === data.start.on && s.defence === "none" &&
      (s.rule === "fgsm" || Number(s.steps) === steps);
    const one = /\d/.test(s.whose), row = counts[`${s.net} ${s.rule} ${one ? 0 : s.whose}`];
    text("count-1000-where", !there ? `(only for ten networks, ${steps} steps, no defence)`
      : `at eps ${number(at * every)}${one ? ", along network 1's gradient" : ""}`);
    text("count-1000", there ? interval(row[at], n) : "\u2013");
    countAll.key = key;
    let right = 0;
    const next = (i) => {
      if (level()) countAll.key = "";
      if (countAll.key !== key) return;
      const { team, end, sharp } = attack(s, images[i], data.labels[i]);
      right += engine.see(team, end, sharp) === data.labels[i];
      const last = i + 1 === images.length;
      text("count-40", `${right} of ${i + 1}` + (last ? `, ${interval(right, i + 1)}` : " ..."));
      if (!last) setTimeout(next, 0, i + 1);
    };
    next(0);
  }

  // --- Looking inside ---------------------------------------------------------------
  function drawInside(now) {
    const team = committees[state.net];
    const each = team.map((net) => engine.cost(net, now.shown, now.y, now.slope).dx);
    const all = engine.sum(each.filter((_, i) => state.on[i] === "1"));
    $("gradients").replaceChildren();
    figure($("gradients"), all, largest(all), SIDE, "The sum of the gradients", "their sum");
    each.forEach((g, i) => state.on[i] === "1" && figure($("gradients"), g, largest(g),
      SIDE, `Gradient of network ${i + 1}`, i + 1));
    const { name, side, maps, values, slopes } =
      engine.inside(team[state.member], now.shown, now.y, now.slope)[state.layer];
    text("layer-is", `Above the values of ${name}, ` +
      (side ? `${maps} x ${side} x ${side}` : `${maps}, outlined if negative`) + ", below the slope dJ of each.");
    const box = make("div", { class: side ? "maps" : `bars of-${maps}` });
    const top = largest(values) || 1, steep = largest(slopes);
    for (const [what, all, scale] of [["values", values, null], ["slopes", slopes, steep]]) {
      if (side) for (let f = 0; f < maps; f++) {
        const map = all.filter((_, i) => i % maps === f);
        figure(box, scale === null ? map.map((v) => v / top) : map, scale, side,
          `${name}, ${what}, map ${f + 1}`);
      } else all.forEach((v) => box.append(make("i", { title: v.toFixed(3),
        class: scale === null ? (v < 0 ? "minus" : "") : v > 0 ? "up" : "down",
        style: `height:${(50 * Math.abs(v) / (scale ?? top) || 0).toFixed(1)}px` })));
    }
    $("layer-maps").replaceChildren(box);
  }

  // --- Digits drawn by hand -----------------------------------------------------------
  const PAD = $("pad").width, pad = $("pad").getContext("2d", { willReadFrequently: true });

  /** The drawing, centred, in 16 shades: a text of 784 hexadecimal digits. */
  function drawn() {
    const { data: rgba } = pad.getImageData(0, 0, PAD, PAD);
    const ink = Float64Array.from({ length: PAD ** 2 }, (_, i) => rgba[4 * i + 3] / 255);
    return Array.from(engine.centred(ink, PAD), (v) => Math.round(15 * v).toString(16)).join("");
  }

  const undrawn = (shades) => Float64Array.from(shades, (v) => parseInt(v, 16) / 15);
  function stroke(event) { // of a pointer pressed in the field, which may leave the field
    if (locked("digit") || !event.isPrimary || !(event.buttons & 1)) return;
    if (event.type === "pointerdown") $("pad").setPointerCapture(event.pointerId);
    else if (!$("pad").hasPointerCapture(event.pointerId)) return;
    const box = $("pad").getBoundingClientRect(), scale = PAD / box.width;
    const at = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    Object.assign(pad, { lineWidth: 20, lineCap: "round", strokeStyle: css("--image-ink") });
    pad.beginPath();
    pad.moveTo(...(event.type === "pointerdown" ? at : stroke.last));
    pad.lineTo(...at);
    pad.stroke();
    stroke.last = at;
  }

  /** Attack the drawing; its label is what the committee sees, until told otherwise. */
  function take() {
    const image = drawn(), seen = engine.see(committees[state.net], undrawn(image));
    if (/[^0]/.test(image)) set({ digit: "drawn", drawn: image, label: String(seen) });
  }

  // --- Sharing ------------------------------------------------------------------------
  const link = () => `${location.href.replace(/#.*/, "")}#` + hash({ lock: $$("#locks input")
    .filter((box) => box.checked || locked(box.name)).map((box) => box.name).join() });

  const copy = (words, done) => (navigator.clipboard?.writeText(words) ?? Promise.reject())
    .then(() => done, () => `Copy this: ${words}`) // forbidden, or over plain http
    .then((result) => text("copied", result));

  /** Both digits and the verdict as one picture. */
  function picture() {
    const canvas = make("canvas", { width: 1200, height: 630 }), g = canvas.getContext("2d");
    const words = (line, x, y, font, ink) => {
      Object.assign(g, { font, fillStyle: css(ink), textAlign: "center" });
      g.fillText(line, x, y);
    };
    Object.assign(g, { fillStyle: css("--paper"), imageSmoothingEnabled: false });
    g.fillRect(0, 0, canvas.width, canvas.height);
    ["original", "change", "attacked"].forEach((id, i) => {
      g.drawImage($(id), 60 + 380 * i, 50, 320, 320);
      words($(`${id}-is`).textContent, 220 + 380 * i, 415, "28px system-ui", "--soft");
    });
    ["+", "="].forEach((sign, i) => words(sign, 410 + 380 * i, 225, "48px Georgia", "--soft"));
    const { className, textContent } = $("verdict");
    words(textContent, 600, 500, "600 46px Georgia", className.replace("is-", "--"));
    words($("detail").textContent, 600, 548, "28px system-ui", "--soft");
    words("Break the committee \u00b7 minidl", 600, 602, "24px system-ui", "--soft");
    make("a", { href: canvas.toDataURL(), download: "committee.png" }).click();
  }

  /** Fill the current numbers into the Python code that computes what the page shows. */
  function drawCode() {
    const one = /\d/.test(state.whose), mask = state.defence === "mask";
    const on = [...state.on].flatMap((bit, i) => (bit === "1" ? [i] : []));
    const facts = { ...state, one, mask, blind: blind(), cured: mask && !blind(),
      rule: { sum: "sum_gradient", own: "mean_probability_gradient" }[state.whose] ??
        "member_gradient", of: one ? `networks, ${state.whose}` : "members",
      all: on.length === 10, some: on.length < 10, on: `[${on.join(", ")}]`,
      [state.rule]: true, [state.defence]: true,
      [state.digit === "drawn" ? "paper" : "image"]: true,
      attack: state.rule, y: label(), eps: number(state.eps) };
    $$("#code [data-if]").forEach((line) => { line.hidden = !facts[line.dataset.if]; });
    $$("#code [data-show]").forEach((it) => { it.textContent = facts[it.dataset.show]; });
  }

  // --- Events -------------------------------------------------------------------------
  /** A click on a button: each says in its attributes what it does. */
  function clicked({ target }) {
    const button = target.closest("button");
    if (!button) return;
    const { go: to, by, tile, digit, guess, flaw } = button.dataset, { name } = button;
    if (to) go(to);
    if (digit) set({ digit });
    if (guess) set(put("guess", guess));
    if (flaw) set({ flaw });
    const on = [...state.on].map((bit, i) => (i === Number(tile) ? 1 - bit : bit)).join("");
    const moved = Number(name === "step" ? current().step : state[name]) + Number(by);
    if (tile) set({ on });
    if (by) set({ [name]: String(moved) });
  }

  document.addEventListener("click", clicked);
  document.addEventListener("input", ({ target }) => (target.closest("#locks") ? draw()
    : set({ [target.name]: target.value })));
  CARDS.forEach((id) => $(id).addEventListener("toggle", () =>
    set({ open: CARDS.filter((other) => $(other).open).join() })));
  ["pointerdown", "pointermove"].forEach((kind) => $("pad").addEventListener(kind, stroke));
  $("pad").addEventListener("lostpointercapture", take);
  $("wipe").addEventListener("click", () => pad.clearRect(0, 0, PAD, PAD));
  $("copy").addEventListener("click", () => copy(link(), "Link copied."));
  $("copy-code").addEventListener("click", () => copy($("code").innerText, "Code copied."));
  $("picture").addEventListener("click", picture);
  addEventListener("hashchange", () => { state = read(location.hash); draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  state = read(location.hash);
  draw();
})();
