-- Percentiles after the report.
local left = 100
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
done = function(summary, latency, requests)
    io.write("------------------------------\n")
    for _, percent in pairs({ 50, 90, 99, 99.999 }) do
        io.write(string.format("%g%%,%d us\n", percent, latency:percentile(percent)))
    end
end
