// What failed, by class and within that by cause: causes that differ only in words with a number or
// a path are one.
const LISTED = 10;
const keyOf = (cause) => cause.replace(/\S*[\d/]\S*/g, "…");
const common = (causes) => {
  const [first, ...others] = [...new Set(causes)].map((cause) => cause.split(/\s+/));
  const told = first.map((word, place) => (others.every((words) => words[place] === word) ? word : shorten([first, ...others].map((words) => words[place]))));
  return told.join(" ").trim() || "no cause is known";
};
// What words have in common at both ends, as far as it ends between two parts of a name.
const shorten = (words) => {
  const shared = (texts) => {
    let length = 0;
    while (length < texts[0].length && texts.every((text) => text[length] === texts[0][length])) length += 1;
    return texts[0].slice(0, length);
  };
  const turn = (text) => [...text].reverse().join("");
  const begin = shared(words).replace(/\w+$/, "");
  const end = turn(shared(words.map((word) => turn(word.slice(begin.length))))).replace(/^\w+/, "");
  return `${begin}…${end}`;
};

const groupOf = (some) => {
  const made = make("details", "", "group print");
  const cause = common(some.map((row) => row.cause));
  const head = make("summary");
  head.append(make("b", count(some.length), "count"), " ", make("span", cause, "cause"));
  const list = make("ul");
  for (const row of some.slice(0, LISTED)) {
    const line = make("li");
    const about = [when(row.ended).slice(0, 16), row.host, row.attempts > 1 ? `${row.attempts} attempts` : ""];
    line.append(make("code", row.name), " ", link("log", logOf(row)), " ", make("span", about.filter(Boolean).join(" · "), "soft"));
    if (row.cause !== cause) line.append(make("span", row.cause, "exactly"));
    const said = data.excerpts[row.name];
    if (said) {
      const end = make("details", "", row === some[0] ? "excerpt print" : "excerpt");
      end.append(make("summary", "end of the log"), make("pre", said));
      line.append(end);
    }
    list.append(line);
  }
  const all = make("button", some.length > LISTED ? `all ${count(some.length)} in the table` : "in the table");
  all.type = "button";
  all.onclick = () => {
    pick(some, `${some[0].class || "unknown"}: ${cause.slice(0, 60)}`);
    $("safes").scrollIntoView();
  };
  made.append(head, list, all);
  return made;
};

const classOf = ([name, some]) => {
  const made = make("section", "", "class");
  made.id = `class-${name}`;
  const { exit_code: code, advice } = data.classes[name] || {};
  const head = make("h3");
  head.append(sign("failed"), ` ${name} `, make("span", count(some.length), "count"), " ");
  if (code) head.append(make("span", `exit code ${code}`, "soft"));
  some.sort((a, b) => (b.ended ?? 0) - (a.ended ?? 0));
  const groups = d3.sort(d3.group(some, (row) => keyOf(row.cause)).values(), (group) => -group.length);
  made.append(head, make("p", advice || ""), ...groups.map(groupOf));
  return made;
};

parts.push({
  draw() {
    const open = new Set([...document.querySelectorAll(".group[open] .cause")].map((cause) => cause.textContent));
    const failed = rows.filter((row) => row.state === "failed");
    const classes = d3.sort(d3.groups(failed, (row) => row.class || "unknown"), ([name, some]) => -some.length);
    $("classes").replaceChildren(...(classes.length ? classes.map(classOf) : [make("p", "Nothing failed.")]));
    for (const group of document.querySelectorAll(".group")) group.open = open.has(group.querySelector(".cause").textContent);
  },
});
