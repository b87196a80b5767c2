-- Reads of one URL; BENCH_ETAG set: conditional, answered 304.
local headers = {}
if os.getenv("PLUMBLINE_KEY") then headers["Authorization"] = "Bearer " .. os.getenv("PLUMBLINE_KEY") end
if os.getenv("BENCH_ETAG") then headers["If-None-Match"] = os.getenv("BENCH_ETAG") end
local path = os.getenv("BENCH_PATH") or "/"

function request()
  return wrk.format("GET", path, headers)
end

function done(summary, latency, requests)
  io.write(string.format('RESULT {"requests":%d,"duration_us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n', summary.requests,
    summary.duration, summary.errors.status + summary.errors.timeout + summary.errors.read + summary.errors.write,
    latency:percentile(50), latency:percentile(99)))
end
