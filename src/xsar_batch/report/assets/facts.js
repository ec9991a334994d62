// The summary above, and kinds, quicklooks, settings below; and paper.
const shareOf = (part) => {
  let percent = rows.length ? Math.round((1000 * part) / rows.length) / 10 : 0;
  // Never 0 or 100 where that is not the whole truth.
  if (part > 0 && part < rows.length) percent = Math.min(Math.max(percent, 0.1), 99.9);
  return `${percent === 0 || percent === 100 ? percent : percent.toFixed(1)} %`;
};
const volume = (bytes) => {
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 4);
  return `${(bytes / 1000 ** unit).toPrecision(3)} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
};
const day = (seconds) => when(seconds).slice(0, 10);
const days = (key) => d3.extent(rows, (row) => row[key]).map((end) => day(end ?? null)).filter(Boolean).join(" to ");

// How far the run that is at work has come.
const ofRun = ({ began, count: all }) => {
  const tried = rows.filter((row) => row.ended >= began && row.state !== "running");
  const recent = Math.min(data.made - began, 600);
  const rate = recent > 0 ? tried.filter((row) => row.ended > data.made - recent).length / recent : 0;
  const left = Math.max(all - tried.length, 0);
  const time = rate ? `, ${count(Math.round(rate * 3600))} an hour, ${span(left / rate)} left` : "";
  return `${count(tried.length)} of ${count(all)} tried${time}`;
};
const figures = () => {
  const done = rows.filter((row) => row.state === "done");
  const known = (key) => done.filter((row) => row[key] !== null);
  const hosts = new Set(rows.map((row) => row.host).filter(Boolean)).size;
  const again = done.filter((row) => row.attempts > 1).length;
  return [
    ["This run", data.live && ofRun(data.live)],
    ["Acquired", days("acquired")],
    ["Processed", days("ended")],
    ["CPU of a product, median", known("cpu_seconds").length && `${d3.median(done, (row) => row.cpu_seconds).toFixed(1)} s`],
    ["CPU of all last attempts", known("cpu_seconds").length && span(d3.sum(rows, (row) => row.cpu_seconds))],
    ["Peak memory, largest", known("peak_memory_mb").length && `${count(d3.max(rows, (row) => row.peak_memory_mb))} MB`],
    ["Products", known("product_bytes").length && volume(d3.sum(done, (row) => row.product_bytes))],
    ["Done after several attempts", again && count(again)],
    ["Hosts", hosts > 1 && count(hosts)],
  ].filter(([, value]) => value);
};

const drawSummary = () => {
  const states = Object.keys(data.states);
  const numbers = d3.rollup(rows, (group) => group.length, (row) => row.state);
  const done = numbers.get("done") || 0;
  const title = `${count(done)} of ${many(rows.length, "SAFE")} ${done === 1 ? "is" : "are"} done`;
  $("title").textContent = title;
  document.title = `xsar-batch: ${title}`;
  let x = 0;
  const bar = d3.select("#share").selectAll("rect").data(states).join("rect").attr("height", 22);
  bar.attr("fill", fill).each(function (state) {
    const part = rows.length ? (100 * (numbers.get(state) || 0)) / rows.length : 0;
    d3.select(this).attr("x", `${x}%`).attr("width", `${part}%`);
    x += part;
  });
  $("states").replaceChildren(...states.map((state) => {
    const part = numbers.get(state) || 0;
    const made = make("li", "", part ? state : `${state} none`);
    made.dataset.state = state;
    const number = make("span", "", "number");
    number.append(sign(state), ` ${count(part)} `, make("span", shareOf(part), "share-of"));
    const word = make("span", "", "word");
    word.append(swatch(state), ` ${state}`);
    made.append(number, word, make("span", data.states[state].meaning, "meaning"));
    return made;
  }));
  $("figures").replaceChildren(...figures().map(([what, value]) => {
    const pair = make("div");
    pair.append(make("dt", what), make("dd", value));
    return pair;
  }));
  $("others").hidden = !data.others;
  $("others").textContent = `${many(data.others, "SAFE")} more ${data.others === 1 ? "is" : "are"} not counted here: tried with other settings, not selected by these. status.csv has ${data.others === 1 ? "it" : "them"}.`;
};

const KIND = ["mission", "mode", "product_type", "polarisation"];
const cells = (tag, texts) => texts.map((text, place) => {
  const cell = make(place < KIND.length ? "th" : tag, text);
  if (tag === "th") cell.scope = "col";
  return cell;
});
const drawKinds = () => {
  const states = Object.keys(data.states);
  const head = make("tr");
  head.append(...cells("th", ["mission", "mode", "type", "polarisation", ...states, "total"]));
  const kinds = d3.sort(d3.groups(rows, (row) => KIND.map((key) => row[key] || "?").join(" ")), ([kind]) => kind);
  const body = kinds.map(([kind, some]) => {
    const line = make("tr");
    const numbers = states.map((state) => some.filter((row) => row.state === state).length);
    line.append(...cells("td", [...kind.split(" "), ...numbers.map((n) => (n ? count(n) : "·")), count(some.length)]));
    return line;
  });
  $("kinds-table").tHead.replaceChildren(head);
  $("kinds-table").tBodies[0].replaceChildren(...body);
};

const drawRest = () => {
  $("quicklooks").hidden = !data.quicklooks.length;
  $("sheet").replaceChildren(...data.quicklooks.map(({ name, data: picture, words }) => {
    const figure = make("figure");
    const image = make("img");
    image.src = picture;
    image.alt = `Quicklook of ${name}: ${words}`;
    const around = link("", quicklookOf({ name }));
    around.append(image);
    const caption = make("figcaption", words);
    caption.append(make("br"), make("code", name));
    figure.append(around, caption);
    return figure;
  }));
  $("advice").hidden = !data.advice.length;
  $("advice").querySelector("pre").textContent = data.advice.join("\n");
  $("told").replaceChildren(...Object.entries(data.told).filter(([, pairs]) => Object.keys(pairs).length).map(([what, pairs]) => {
    const made = make("table");
    const body = made.createTBody();
    for (const [key, value] of Object.entries(pairs)) {
      const line = body.insertRow();
      const cell = make("td");
      cell.append(make("code", value));
      line.append(make("th", key), cell);
    }
    made.createCaption().textContent = what;
    return made;
  }));
};
parts.push({
  draw() {
    drawSummary();
    drawKinds();
    drawRest();
  },
});

// Paper: what is folded is opened, and folded again.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details.print:not([open])")];
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
});
