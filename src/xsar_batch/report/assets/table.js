// The table of all SAFEs, by Tabulator: of 20,000 rows only those that are seen are drawn.
const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const byNumber = (a, b) => (a ?? -Infinity) - (b ?? -Infinity);
const words = (title, field, width, more = {}) => ({ title, field, width, sorter: byText, ...more });
const numbers = (title, field, width, digits) => ({
  title, field, width, hozAlign: "right", sorter: byNumber, headerSortStartingDir: "desc",
  formatter: (cell) => make("span", fixed(cell.getValue(), digits)),
});
const times = (title, field) => ({
  title, field, width: 158, sorter: byNumber, headerSortStartingDir: "desc",
  formatter: (cell) => make("span", when(cell.getValue())),
});
const files = (row) => {
  const made = make("span", "", "files");
  if (row.state === "done") made.append(link("product", productOf(row)), " ");
  if (row.ended !== null || row.started !== null) made.append(link("log", logOf(row)), " ");
  if (row.quicklook) made.append(link("quicklook", quicklookOf(row)));
  return made;
};

const TABLE = [
  words("state", "kind", 150, {
    formatter: (cell) => {
      const made = make("span");
      made.append(sign(cell.getData().state), ` ${cell.getValue()}`);
      return made;
    },
  }),
  words("SAFE", "name", 510, { formatter: (cell) => make("code", cell.getValue()) }),
  words("cause", "cause", 300, { formatter: (cell) => make("span", cell.getValue()) }),
  { title: "files", field: "quicklook", width: 170, headerSort: false, formatter: (cell) => files(cell.getData()) },
  numbers("seconds", "seconds", 92, 1),
  numbers("CPU s", "cpu_seconds", 80, 1),
  numbers("memory MB", "peak_memory_mb", 112, 0),
  numbers("asked MB", "asked_mb", 100, 0),
  numbers("attempts", "attempts", 92, 0),
  words("host", "host", 110, { formatter: (cell) => make("span", cell.getValue()) }),
  words("PBS job", "pbs_job", 150, { formatter: (cell) => make("span", cell.getValue()) }),
  times("started (UTC)", "started"),
  times("ended (UTC)", "ended"),
  words("path of the SAFE", "safe", 700, { formatter: (cell) => make("code", cell.getValue()) }),
];

let table = null;
let isBuilt = false;
const siftTable = () => {
  if (!isBuilt) return;
  if (isFiltered()) table.setFilter(wanted);
  else if (table.getFilters().length) table.clearFilter();
};

parts.push({
  draw() {
    if (table) {
      if (isBuilt) table.replaceData(rows);
      return;
    }
    table = new Tabulator("#table", {
      data: rows, columns: TABLE, index: "name", maxHeight: 380, rowHeight: 28, layout: "fitData",
      // Fields have no parts: twice as fast to sort.
      nestedFieldSeparator: false,
      columnDefaults: { vertAlign: "middle", headerTooltip: false },
      placeholder: "No SAFE fits the filter",
    });
    table.on("tableBuilt", () => {
      isBuilt = true;
      if (table.getDataCount() !== rows.length) table.replaceData(rows);
      siftTable();
    });
    table.on("rowClick", (event, row) => {
      if (event.target.closest("a")) return;
      showOne(row.getData().name);
    });
  },
  sift: siftTable,
});

// -- one SAFE: all that is known -----------------------------------------------------------------

let shown = "";
const showOne = (name) => {
  shown = name;
  drawOne();
  markOnMap();
};
const drawOne = () => {
  const row = rowOf.get(shown);
  $("one").hidden = !row;
  if (!row) return;
  const asked = row.asked_mb ? ` of ${count(row.asked_mb)} asked for` : "";
  const share = row.seconds && row.cpu_seconds !== null ? `, ${(100 * row.cpu_seconds / row.seconds / (row.threads || 1)).toFixed(0)} % of ${many(row.threads || 1, "core")}` : "";
  const facts = [
    ["cause", row.cause],
    ["took", row.seconds === null ? "" : `${row.seconds.toFixed(1)} s (${fixed(row.cpu_seconds, 1)} s of CPU${share})`],
    ["memory", row.peak_memory_mb === null ? "" : `${count(row.peak_memory_mb)} MB${asked}`],
    ["when", row.started === null ? "" : `${when(row.started)} to ${when(row.ended) || "…"} UTC, attempt ${row.attempts ?? "?"}`],
    ["where", [row.host, row.pbs_job].filter(Boolean).join(", PBS job ")],
    ["SAFE", row.safe],
  ];
  const list = make("dl");
  for (const [what, text] of facts.filter(([, text]) => text)) {
    const pair = make("div");
    pair.append(make("dt", what), make("dd", text));
    list.append(pair);
  }
  const head = make("h3");
  head.append(sign(row.state), ` ${row.kind} `, make("code", row.name), " ");
  const close = make("button", "✕");
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.onclick = () => showOne("");
  const tools = make("p");
  tools.append(files(row));
  if (row.path) {
    const show = make("button", "show on the map");
    show.type = "button";
    show.onclick = () => lookAt(row);
    tools.append(" ", show);
  }
  $("one").replaceChildren(close, head, list, tools);
  const said = data.excerpts[row.name];
  if (said) $("one").append(make("pre", said));
};
parts.push({ draw: drawOne });
