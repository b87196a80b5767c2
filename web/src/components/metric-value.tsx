import { interval, NONE, why } from '../lib/format'
import type { Row, Value } from '../lib/types'

/** A value on its own, with its interval where there is one and the numbers bear it; a dash that says why where there is none. */
export function MetricValue({ row, text }: { row: Row | undefined; text: (value: Value) => string }) {
	if (!row || row.value === null) return <span class="no-value" title={why(row?.reason)}>{NONE}</span>
	return <>{text(row.value)}{row.ci && !row.low_n && <span class="value-interval" title="95% interval">{interval(row.ci)}</span>}</>
}
