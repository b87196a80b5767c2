// Who executes the strategy, rep by rep: a table one can sort, with what small numbers do not support left grey.
import { Answered, Empty, PageLink, Status } from '../components/basics'
import { Figure } from '../components/figure'
import { PageHead } from '../components/page-head'
import { Sparkline } from '../components/sparkline'
import { DataTable, MetricCell, type Column } from '../components/table'
import { useAnswer } from '../lib/answers'
import { useFilters } from '../lib/filters'
import { change, count, percent, money } from '../lib/format'
import { periodName, yearUpTo } from '../lib/periods'
import type { AlignmentAnswer, AlignmentRow, MetricAnswer, Row } from '../lib/types'

const value = (row: AlignmentRow, metric: string): number | null => {
	const found = row.metrics[metric]?.value
	return found === null || found === undefined ? null : Number(found)
}
const index = (figure: Row['value']) => count(figure, 0)
const share = (figure: Row['value']) => percent(figure)

function shareColumn(key: string, label: string, wide = false): Column<AlignmentRow> {
	return { key, label, term: key, align: 'right', wide, sort: row => value(row, key), cell: row => <MetricCell row={row.metrics[key]} text={share} /> }
}

function columns(trend: Map<string, Row[]>, before: Map<string, Row> | null, currency: string | null): Column<AlignmentRow>[] {
	return [
		{ key: 'rep', label: 'Rep', sort: row => row.label ?? row.key, cell: row => (row.key === 'total' ? row.label : <PageLink to={`/reps/${encodeURIComponent(row.key)}`}>{row.label ?? row.key}</PageLink>) },
		{ key: 'alignment_index', label: 'Alignment', term: 'alignment_index', align: 'right', sort: row => value(row, 'alignment_index'), cell: row => <MetricCell row={row.metrics['alignment_index']} text={index} /> },
		...(before ? [{ key: 'change', label: 'Change', align: 'right' as const, sort: (row: AlignmentRow) => changeOf(before.get(row.key)), cell: (row: AlignmentRow) => <Change row={before.get(row.key)} /> }] : []),
		{ key: 'trend', label: '12 months', wide: true, cell: row => <Trend rows={trend.get(row.key) ?? []} /> },
		shareColumn('bookings_share', 'Bookings'),
		{ key: 'won', label: 'Won', align: 'right', wide: true, sort: row => Number(row.metrics['bookings_share']?.denominator ?? 0), cell: row => money(row.metrics['bookings_share']?.denominator, currency) },
		shareColumn('open_pipeline_share', 'Pipeline', true),
		shareColumn('selling_time_share', 'Time'),
		shareColumn('win_rate', 'Win rate', true),
		{ key: 'opportunistic', label: 'Opportunistic', term: 'opportunistic', align: 'right', wide: true, sort: row => value(row, 'opportunistic'), cell: row => <Budget row={row.metrics['opportunistic']} /> }
	]
}

const changeOf = (row: Row | undefined): number | null => (row?.compare?.change == null ? null : Number(row.compare.change))

function Change({ row }: { row: Row | undefined }) {
	return <span title={row?.compare ? `${row.compare.period}: ${count(row.compare.value)}` : undefined}>{change(changeOf(row))}</span>
}

function Trend({ rows }: { rows: Row[] }) {
	const values = rows.map(row => (row.value === null ? null : Number(row.value)))
	return <Sparkline values={values} range={[0, 100]} label={rows.map(row => `${row.period}: ${count(row.value)}`).join(', ')} />
}

function Budget({ row }: { row: Row | undefined }) {
	const status = row?.parts?.budget?.status
	return (
		<span class="metric-cell">
			<MetricCell row={row} text={share} />
			{status && status !== 'ok' && !row?.low_n && <Status status={status} />}
		</span>
	)
}

function grouped(rows: Row[]): Map<string, Row[]> {
	const groups = new Map<string, Row[]>()
	for (const row of rows) groups.set(row.key, [...(groups.get(row.key) ?? []), row])
	return groups
}

export default function Reps() {
	const filters = useFilters()
	const { compare_to } = useFilters({ compare: true })
	const answer = useAnswer<AlignmentAnswer>({ path: '/v1/alignment', query: { by: 'rep', ...filters } })
	const end = answer.data?.params['end'] as string | undefined
	const trend = useAnswer<MetricAnswer>(end ? { path: '/v1/metrics/alignment_index', query: { by: 'rep', ...filters, period: yearUpTo(end), granularity: 'month' } } : null)
	const compared = useAnswer<MetricAnswer>(compare_to ? { path: '/v1/metrics/alignment_index', query: { by: 'rep', ...filters, compare_to } } : null)
	return (
		<>
			<PageHead title="Reps" lead={`Whom each rep sells to, what is sold and where the hours go, against the strategy. ${periodName(filters['period']!)}.`} />
			<Answered answer={answer} what="Adding up every rep">
				{data => data.rows.length === 0 ? <Empty title="Nobody sold anything in this period">Pick another period or team.</Empty> : (
					<Figure title="Alignment by rep" request={answer.request} lead={<>Shares are of what is on strategy; below a rate stands its 95% interval. Grey: fewer than {String(data.params['min_n'])} deals won, so the figures say little.</>}>
						<DataTable caption="Alignment by rep" rows={data.rows} rowKey={row => row.key} sortBy="alignment_index" muted={row => row.metrics['alignment_index']?.low_n ?? false}
							columns={columns(grouped(trend.data?.rows ?? []), compare_to && compared.data ? new Map(compared.data.rows.map(row => [row.key, row])) : null, data.currency)}
							total={{ key: 'total', label: 'All', metrics: data.total.metrics }} />
					</Figure>
				)}
			</Answered>
		</>
	)
}
