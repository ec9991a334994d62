// What all parts share: the data, the filter, and how elements are made. All that comes from SAFEs
// is put in as text, never as HTML.
const $ = (id) => document.getElementById(id);
const make = (tag, text = "", name = "") => {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = name;
  return element;
};
const count = (number) => number.toLocaleString("en");
const many = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
const fixed = (number, digits) => (number === null ? "" : number.toFixed(digits));
const utc = d3.utcFormat("%Y-%m-%d %H:%M:%S");
const when = (seconds) => (seconds === null ? "" : utc(seconds * 1000));
const span = (seconds) => {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
};
const late = (act, wait = 120) => {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
};
const fill = (state) => (state === "done" ? "var(--done)" : `url(#pattern-${state})`);
const swatch = (state) => {
  const made = d3.create("svg").attr("class", "swatch").attr("width", 22).attr("height", 14);
  made.append("rect").attr("x", 0.5).attr("y", 0.5).attr("width", 21).attr("height", 13)
    .attr("fill", fill(state)).attr("stroke", `var(--${state})`);
  return made.node();
};
const sign = (state) => make("span", data.states[state].sign, `sign ${state}`);
const link = (text, address) => {
  const made = make("a", text);
  made.href = address;
  return made;
};

// -- the data: `rows` has an object for each SAFE ------------------------------------------------

let data = null;
let rows = [];
let rowOf = new Map();

const column = (given) => ("of" in given ? given.at.map((place) => given.of[place]) : given);
const unpack = () => {
  const columns = Object.entries(data.columns).map(([key, given]) => [key, column(given)]);
  rows = data.columns.name.map((name, place) => {
    const row = {};
    for (const [key, values] of columns) row[key] = values[place];
    row.safe = row.safe.replace("*", name);
    row.kind = row.class && row.class !== row.state ? `${row.state}: ${row.class}` : row.state;
    row.text = [name, row.kind, row.cause, row.host, row.pbs_job, row.safe].join(" ").toLowerCase();
    return row;
  });
  rowOf = new Map(rows.map((row) => [row.name, row]));
};
const counted = (some) => {
  const states = d3.rollup(some, (group) => group.length, (row) => row.state);
  return Object.keys(data.states).filter((state) => states.has(state))
    .map((state) => `${data.states[state].sign} ${count(states.get(state))} ${state}`).join(", ");
};
const logOf = (row) => `${data.links.logs}/${encodeURIComponent(row.name)}.log`;
const productOf = (row) => `${data.links.products}/${encodeURIComponent(row.name)}.nc`;
const quicklookOf = (row) => `${data.links.quicklooks}/${encodeURIComponent(row.name)}.png`;

// -- the filter: one for table and map -----------------------------------------------------------

const filter = { words: [], off: new Set(), picked: null, label: "" };
const wanted = (row) =>
  !filter.off.has(row.state) &&
  (!filter.picked || filter.picked.has(row.name)) &&
  filter.words.every((word) => row.text.includes(word));
const isFiltered = () => filter.words.length || filter.off.size || filter.picked;

// A part of the page has draw(), for new data, and may have sift(), for another filter.
const parts = [];
const sift = () => {
  const found = isFiltered() ? rows.filter(wanted) : rows;
  $("found").textContent = isFiltered() ? `${count(found.length)} of ${many(rows.length, "SAFE")}` : many(rows.length, "SAFE");
  $("picked").hidden = !filter.picked;
  $("picked").textContent = `${filter.label} ✕`;
  for (const part of parts) part.sift?.(found);
};
const pick = (some, label) => {
  filter.picked = some && new Set(some.map((row) => row.name));
  filter.label = label;
  sift();
};
$("picked").onclick = () => pick(null, "");
$("search").oninput = late(() => {
  filter.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean)
    .map((word) => word.replace(/\.(safe|nc)$/, ""));
  sift();
});

parts.push({
  draw() {
    const states = d3.rollup(rows, (group) => group.length, (row) => row.state);
    $("legend").replaceChildren(...Object.keys(data.states).map((state) => {
      const label = make("label");
      const box = make("input");
      box.type = "checkbox";
      box.checked = !filter.off.has(state);
      box.dataset.state = state;
      box.onchange = () => {
        filter.off[box.checked ? "delete" : "add"](state);
        sift();
      };
      label.append(box, " ", swatch(state), " ", sign(state), ` ${state} `, make("span", count(states.get(state) || 0), "soft"));
      return label;
    }));
  },
});
