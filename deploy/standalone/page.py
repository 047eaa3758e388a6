"""The page at `/` of a standalone system: where everything is, in Chinese."""

HOME = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>呼应 · 民有所呼、我有所应</title>
<style>
  body { font: 18px/1.7 "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; color: #1d2733; margin: 0; background: #f4f6f9 }
  main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
  h1 { font-size: 2.2rem; margin: 0; color: #b3261e } h1 + p { margin-top: .2rem; color: #5b6673 }
  section { background: #fff; border-radius: 12px; padding: 1.1rem 1.4rem; margin: 1.2rem 0; box-shadow: 0 1px 3px #0001 }
  h2 { font-size: 1.15rem; margin: 0 0 .6rem } label { display: block; margin: .5rem 0 }
  input { font: inherit; padding: .45rem .6rem; border: 1px solid #b9c2cc; border-radius: 8px; width: 100%; box-sizing: border-box }
  button { font: inherit; background: #b3261e; color: #fff; border: 0; border-radius: 8px; padding: .5rem 1.4rem; margin-top: .6rem; cursor: pointer }
  ol { list-style: none; padding: 0; margin: 1rem 0 0 } li { border-left: 3px solid #b3261e; padding: .1rem 0 .8rem 1rem }
  li.pending { border-color: #d5dbe1; color: #8a94a0 } li.current { font-weight: 600 }
  li small { display: block; color: #5b6673 } a { color: #0b57d0 } table { border-collapse: collapse; width: 100% } td { padding: .25rem .5rem .25rem 0 }
  #error { color: #b3261e }
</style>
</head>
<body><main>
<h1>呼应</h1>
<p>民有所呼、我有所应。一个号码受理，一张表单分类，一支队伍分拨，全程可查。</p>
<section>
  <h2>查办理进度</h2>
  <form id="look-up">
    <label>受理编号 <input name="number" autocomplete="off" placeholder="PS 260101 000001 00" required></label>
    <label>查询码 <input name="code" autocomplete="off" placeholder="8 位查询码" required></label>
    <button>查询</button>
  </form>
  <p id="error" role="alert"></p>
  <ol id="nodes" aria-live="polite"></ol>
</section>
<section>
  <h2>给开发者和运维</h2>
  <table>
    <tr><td>登记受理</td><td><a href="/intake/docs">接口文档</a></td><td><a href="/intake/readyz">状态</a></td></tr>
    <tr><td>分类分拨</td><td><a href="/router/docs">接口文档</a></td><td><a href="/router/readyz">状态</a></td></tr>
    <tr><td>时限督办</td><td><a href="/sla/docs">接口文档</a></td><td><a href="/sla/readyz">状态</a></td></tr>
    <tr><td>进度反馈</td><td><a href="/feedback/docs">接口文档</a></td><td><a href="/feedback/readyz">状态</a></td></tr>
  </table>
</section>
<script>
const form = document.getElementById("look-up"), nodes = document.getElementById("nodes"), error = document.getElementById("error");
let stop = null;
function show(view) {
  nodes.replaceChildren(...view.nodes.map(node => {
    const item = document.createElement("li"), when = document.createElement("small");
    item.className = node.state;
    item.textContent = node.label + (node.text ? "：" + node.text : "");
    when.textContent = node.at ? new Date(node.at).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai" }) : "";
    item.append(when);
    return item;
  }));
}
form.addEventListener("submit", async event => {
  event.preventDefault();
  if (stop) stop.abort();
  stop = new AbortController();
  const asked = stop;
  error.textContent = "";
  nodes.replaceChildren();
  const number = encodeURIComponent(form.number.value.replace(/[\\s-]/g, "").toUpperCase());
  const headers = { "X-Lookup-Code": form.code.value.trim() };
  while (!asked.signal.aborted) {
    try {
      const answer = await fetch(`/v1/progress/${number}/stream`, { headers, signal: asked.signal });
      if (!answer.ok) {
        error.textContent = (await answer.json()).title_zh;
        if (answer.status !== 503) return;
      } else {
        error.textContent = "";
        await read(answer, headers);
      }
    } catch (problem) {
      if (asked.signal.aborted) return;
      error.textContent = "网络不稳定，正在重新连接……";
    }
    await new Promise(resolve => setTimeout(resolve, 2000));
  }
});
async function read(answer, headers) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", part; !(part = await reader.read()).done;) {
    text += part.value;
    for (let end; (end = text.indexOf("\\n\\n")) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split("\\n"), field = name => lines.filter(line => line.startsWith(name + ":")).map(line => line.slice(name.length + 1).trim()).join("");
      if (field("id")) headers["Last-Event-ID"] = field("id");
      if (field("event") === "progress") show(JSON.parse(field("data")));
    }
  }
}
</script>
</main></body></html>
"""
