-- Each connection sends another citizen's request: another text and another Idempotency-Key every time.
local counter = 0
local thread_count = 0
local tokens = {}

function setup(thread)
  thread:set("id", thread_count)
  thread_count = thread_count + 1
end

function init(args)
  math.randomseed(os.time() * 1000 + id)
  run = string.format("%08x%08x", math.random(0, 2^31 - 1), math.random(0, 2^31 - 1))
  for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
end

function request()
  counter = counter + 1
  local headers = {
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer " .. tokens[counter % #tokens + 1],
    ["Idempotency-Key"] = string.format("%s-%d-%d", run, id, counter),
  }
  local body = string.format(BODY, id, counter)
  return wrk.format("POST", "/v1/cases", headers, body)
end

BODY = [[{"title":"小区门口井盖破损","text":"（%d-%d）和平社区后巷的井盖破了一个大洞，已经有两天了，昨晚有老人差点摔倒，旁边的路灯也不亮，晚上走路很不安全。请尽快派人围挡并更换井盖，有进展麻烦通过小程序告诉我，谢谢。","type_code":"complaint","category_code":"0101001","place":{"address":"坪山街道和平社区后巷 12 号门前","area_code":"440310001","position":{"lat":22.6913,"lon":114.3461,"system":"gcj02"}}}]]

-- The first refusal of each thread is shown: a load that is refused is no measurement.
function response(status, headers, body)
  if status ~= 201 and not shown then
    shown = true
    io.write(string.format("REFUSED %d %s\n", status, body))
  end
end

function done(summary, latency, requests)
  io.write(string.format(
    "\nRESULT %d %d %d %d %d %d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
