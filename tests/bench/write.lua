-- One durable single-event write a request: PUT of a whole opportunity, id at random among `ids`.
-- Environment: PLUMBLINE_KEY, BENCH_IDS, BENCH_BAD (share of items refused, 0..1).
local key = os.getenv("PLUMBLINE_KEY")
local ids = tonumber(os.getenv("BENCH_IDS") or "1000000")
local bad = tonumber(os.getenv("BENCH_BAD") or "0")
local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
local origins = { "inbound", "outbound", "referral", "partner" }
local template = [[{"name":"Renewal and extension of the care platform, site %d","account":"a%d","owner":"r%d","stage":"%s",]] ..
  [["amount":"%d.%02d","currency":"EUR","created_at":"2026-0%d-1%dT09:30:00Z","expected_close":"2026-12-2%d","probability":0.%d,]] ..
  [["origin":"%s","contacts_external":%d,"value_case":true,"lines":[{"id":"1","product":"p%d","quantity":%d,"amount":"%d.00"}],]] ..
  [["attributes":{"region":"north","campaign":"autumn-%d","competitor":"none known"}}]]

local n = 0
function setup(thread)
  n = n + 1
  thread:set("seed", n + tonumber(os.getenv("BENCH_SEED") or "1") * 97)
end

function init()
  math.randomseed(seed)
end

function request()
  local id = math.random(ids)
  local amount = math.random(90000)
  if math.random() < bad then amount = -1 end
  local stage = amount == -1 and "no such stage" or "s" .. math.random(3)
  local body = string.format(template, id, id % 100000, id % 200, stage, math.abs(amount), math.random(0, 99), id % 9 + 1,
    id % 10, math.random(0, 9), math.random(1, 9), origins[id % 4 + 1], math.random(5), math.random(12), math.random(20),
    math.abs(amount), math.random(40))
  return wrk.format("PUT", "/v1/opportunities/d" .. id, headers, body)
end

function done(summary, latency, requests)
  io.write(string.format('RESULT {"requests":%d,"duration_us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n', summary.requests,
    summary.duration, summary.errors.status + summary.errors.timeout + summary.errors.read + summary.errors.write,
    latency:percentile(50), latency:percentile(99)))
end
