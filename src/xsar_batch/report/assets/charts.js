// Charts, by Observable Plot. They are drawn for the width that there is, so their text keeps its
// size, as SVG, so they are sharp on paper, and in the page's colours, so they follow light and dark.
const PAUSE = 3 * 3600;
const BARS = 60;
const SHOWN = 1500;
const HOSTS = 40;

const plot = (id, options) => {
  const place = $(id).querySelector(".plot");
  place.replaceChildren(Plot.plot({
    width: Math.max(place.clientWidth, 260), height: 240, marginLeft: 52, marginRight: 32, marginBottom: 36,
    style: { fontSize: "12px", background: "none", overflow: "visible" }, color: { type: "identity" },
    ...options,
  }));
};
const say = (id, text) => ($(id).querySelector("figcaption").textContent = text);
// Counts are whole: no half SAFEs.
const counts = (most) => ({ label: "SAFEs", grid: true, domain: [0, most * 1.04], ticks: d3.ticks(0, most, 5).filter(Number.isInteger), tickFormat: ",d" });
const date = (seconds) => new Date(seconds * 1000);
// Times with few products would have no width, and the same label twice.
const around = (least, most, wide) => {
  const pad = Math.max((wide - (most - least)) / 2, 0);
  return [date(least - pad), date(most + pad)];
};
const timeAxis = ([from, to], width) => {
  const format = to - from > 2 * 86400e3 ? "%d %b" : to - from > 600e3 ? "%H:%M" : "%H:%M:%S";
  return { type: "utc", domain: [from, to], label: null, ticks: Math.max(2, Math.floor(width / 110)), tickFormat: d3.utcFormat(format) };
};
const stacked = (bins) => d3.max(bins, (bin) => bin.length) || 1;
const space = (id) => $(id).querySelector(".plot").clientWidth || 600;

// -- runs: a pause of hours parts them -----------------------------------------------------------

let runs = [];
const split = () => {
  const ended = rows.filter((row) => row.ended !== null && row.state !== "running");
  ended.sort((a, b) => a.ended - b.ended);
  runs = [];
  for (const row of ended) {
    const run = runs.at(-1);
    if (run && row.ended - run.at(-1).ended < PAUSE) run.push(row);
    else runs.push([row]);
  }
};
const chosen = () => runs[runs.length - 1 - $("run").selectedIndex] || [];
const offerRuns = () => {
  const kept = runs.length === $("run").options.length ? $("run").selectedIndex : 0;
  $("run").replaceChildren(...[...runs].reverse().map((run) => make("option", `${when(run[0].ended).slice(0, 16)}: ${many(run.length, "SAFE")}`)));
  $("run").selectedIndex = Math.min(kept, runs.length - 1);
  $("run").parentElement.hidden = runs.length < 2;
};

const drawThroughput = () => {
  const run = chosen();
  $("throughput").hidden = !run.length;
  if (!run.length) return;
  const domain = around(run[0].ended, run.at(-1).ended + 1, 120);
  const bins = d3.bin().value((row) => date(row.ended)).domain(domain).thresholds(d3.utcTicks(...domain, BARS))(run);
  const widest = d3.max(bins, (bin) => bin.x1 - bin.x0) / 1000;
  const most = stacked(bins);
  plot("throughput", {
    x: timeAxis(domain, space("throughput")), y: counts(most),
    marks: [Plot.rectY(run, Plot.binX({ y: "count" }, {
      x: (row) => date(row.ended), fill: (row) => fill(row.state), order: ["var(--done)"],
      thresholds: d3.utcTicks(...domain, BARS), domain, inset: 0.5,
    })), Plot.ruleY([0])],
  });
  const rate = run.length < 20 ? "" : ` At best ${count(most)}, or ${count(Math.round(most * 3600 / widest))} an hour.`;
  say("throughput", `SAFEs whose last attempt ended in each ${span(widest)}, ${day(run[0].ended)} (UTC).${rate}`);
};

// -- hosts: what ran when; two at a time lie one below the other ---------------------------------

const lanes = (some) => {
  const free = [];
  return some.map((row) => {
    let lane = free.findIndex((until) => until <= row.started);
    if (lane < 0) lane = free.length;
    free[lane] = row.until;
    return { row, lane };
  });
};
const drawHosts = () => {
  const now = data.made;
  const last = chosen().slice(-SHOWN);
  const isLatest = $("run").selectedIndex <= 0;
  const some = [...last, ...(isLatest ? rows.filter((row) => row.state === "running") : [])]
    .filter((row) => row.host && row.started !== null)
    .map((row) => ({ ...row, until: row.ended ?? now }))
    .sort((a, b) => a.started - b.started);
  $("hosts").hidden = !some.length;
  if (!some.length) return;
  const groups = d3.sort(d3.groups(some, (row) => row.host), ([host]) => host).slice(0, HOSTS);
  const bars = [];
  const marks = [];
  let base = 0;
  for (const [host, group] of groups) {
    const placed = lanes(group);
    const height = d3.max(placed, (one) => one.lane) + 1;
    for (const { row, lane } of placed) bars.push({ row, y1: base + lane, y2: base + lane + 0.9 });
    marks.push({ host, y: base + height / 2 });
    base += height + 0.6;
  }
  const domain = around(d3.min(some, (row) => row.started), d3.max(some, (row) => row.until), 60);
  const each = Math.max(Math.min(16, 900 / base), 2);
  const height = Math.max(base * each + 50, 90);
  const room = Math.min(10 + 7.2 * d3.max(marks, (mark) => mark.host.length), 150);
  // No more names than there is room for.
  const every = Math.ceil((marks.length * 14) / height);
  plot("hosts", {
    height, marginLeft: room, x: timeAxis(domain, space("hosts") - room), y: { axis: null, reverse: true, domain: [0, base] },
    marks: [
      Plot.rect(bars, {
        x1: (bar) => date(bar.row.started), x2: (bar) => date(Math.max(bar.row.until, bar.row.started + 0.2)), y1: "y1", y2: "y2",
        fill: (bar) => fill(bar.row.state), stroke: (bar) => `var(--${bar.row.state})`, strokeWidth: 0.5,
        title: (bar) => `${bar.row.name}\n${bar.row.kind}, ${span(bar.row.until - bar.row.started)}`,
      }),
      Plot.text(marks.filter((_, place) => place % every === 0), { y: "y", text: "host", frameAnchor: "left", textAnchor: "end", dx: -6, fill: "var(--soft)" }),
    ],
  });
  const more = d3.group(some, (row) => row.host).size - groups.length;
  say("hosts", `A bar for each SAFE's last attempt, from its start to its end (UTC)${last.length === SHOWN ? `, the last ${count(SHOWN)} of them` : ""}.${more > 0 ? ` ${many(more, "host")} more are not shown.` : ""}`);
};

// -- distributions, of SAFEs that are done -------------------------------------------------------

const drawDistribution = (id, key, unit, digits, asked, beside) => {
  const some = rows.filter((row) => row.state === "done" && row[key] !== null);
  $(id).hidden = !some.length;
  if (!some.length) return;
  const values = some.map((row) => row[key]).sort(d3.ascending);
  const [median, most] = [d3.quantileSorted(values, 0.5), d3.quantileSorted(values, 0.95)];
  // One outlier must not squeeze all others: it counts in the last bar.
  const high = Math.max(d3.quantileSorted(values, 0.995), values[0] + 0.1);
  const domain = asked ? [0, Math.max(asked * 1.05, high)] : [Math.min(0, values[0]), high * 1.02];
  const bins = d3.bin().domain(domain).thresholds(40)(values.map((value) => Math.min(value, high)));
  const top = stacked(bins);
  const text = (value, words, line) => Plot.text([value], {
    x: (d) => d, text: () => words, frameAnchor: "top", dy: 2 + 15 * line, fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 4,
    ...(value < (domain[0] + domain[1]) / 2 ? { textAnchor: "start", dx: 5 } : { textAnchor: "end", dx: -5 }),
  });
  const marked = [[median, `median ${median.toFixed(digits)} ${unit}`], [most, `95 % below ${most.toFixed(digits)} ${unit}`], ...(asked ? [[asked, `asked for ${count(asked)} ${unit}`]] : [])];
  plot(id, {
    x: { label: unit, domain, ticks: Math.max(3, Math.floor(space(id) / 80)) }, y: { ...counts(top), domain: [0, top * 1.3] },
    marks: [
      Plot.rectY(bins, { x1: "x0", x2: "x1", y: "length", fill: "var(--done)", inset: 0.5 }),
      Plot.ruleX(marked, { x: "0", stroke: "var(--ink)", strokeDasharray: "5 3" }),
      ...marked.map(([value, words], line) => text(value, words, line)), Plot.ruleY([0]),
    ],
  });
  say(id, `${many(some.length, "SAFE")} that ${some.length === 1 ? "is" : "are"} done; the most was ${values.at(-1).toFixed(digits)} ${unit}. ${beside(some)}`);
};
const ofAsked = (some) => {
  const known = some.filter((row) => row.asked_mb);
  return known.length ? `At most ${d3.max(known, (row) => (100 * row.peak_memory_mb) / row.asked_mb).toFixed(0)} % of what was asked for.` : "";
};
const ofTime = (some) => {
  const known = some.filter((row) => row.seconds && row.cpu_seconds !== null);
  const cores = d3.sum(known, (row) => row.seconds * (row.threads || 1));
  const limit = d3.max(some, (row) => row.asked_minutes);
  return (known.length ? `CPU was busy for ${(100 * d3.sum(known, (row) => row.cpu_seconds) / cores).toFixed(0)} % of the cores' time. ` : "") + (limit ? `Asked for: up to ${count(limit)} min.` : "");
};

const drawMonths = () => {
  const known = rows.filter((row) => row.acquired !== null);
  $("months").hidden = !known.length;
  if (!known.length) return;
  const [first, end] = d3.extent(known, (row) => row.acquired);
  const domain = [d3.utcMonth.floor(date(first)), d3.utcMonth.offset(d3.utcMonth.floor(date(end)), 1)];
  const most = d3.max(d3.rollup(known, (group) => group.length, (row) => +d3.utcMonth.floor(date(row.acquired))).values());
  const months = d3.utcMonth.count(...domain);
  const ticks = d3.utcMonths(...domain).filter((_, place) => place % Math.ceil(months / Math.max(2, space("months") / 75)) === 0);
  plot("months", {
    x: { type: "utc", domain, label: null, ticks, tickFormat: d3.utcFormat("%Y-%m") }, y: counts(most),
    marks: [Plot.rectY(known, Plot.binX({ y: "count" }, { x: (row) => date(row.acquired), fill: (row) => fill(row.state), interval: d3.utcMonth, inset: 0.5 })), Plot.ruleY([0])],
  });
  say("months", `SAFEs by month of acquisition, ${when(first).slice(0, 7)} to ${when(end).slice(0, 7)}.`);
};

const drawCharts = () => {
  drawThroughput();
  drawHosts();
  const asked = d3.median(rows.filter((row) => row.state === "done" && row.asked_mb), (row) => row.asked_mb / (row.attempts || 1));
  drawDistribution("duration", "seconds", "s", 1, null, ofTime);
  drawDistribution("memory", "peak_memory_mb", "MB", 0, asked, ofAsked);
  drawMonths();
};
$("run").onchange = () => {
  drawThroughput();
  drawHosts();
};
let drawnWidth = 0;
addEventListener("resize", late(() => {
  if (data && drawnWidth !== innerWidth) {
    drawnWidth = innerWidth;
    drawCharts();
  }
}));
parts.push({
  draw() {
    drawnWidth = innerWidth;
    split();
    offerRuns();
    drawCharts();
  },
});
