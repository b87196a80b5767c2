// Segment by segment: where money comes from, where hours go, and how far within each the plan is kept.
import { Answered, Empty } from '../components/basics'
import { Figure } from '../components/figure'
import { SegmentLink } from '../components/links'
import { MoneyAndHours, MoneyAndHoursTable, places } from '../components/money-and-hours'
import { PageHead } from '../components/page-head'
import { DataTable, MetricCell, type Column } from '../components/table'
import { useAnswer } from '../lib/answers'
import { useFilters } from '../lib/filters'
import { money, percent } from '../lib/format'
import { useLabels } from '../lib/labels'
import { periodName } from '../lib/periods'
import type { AlignmentAnswer, AlignmentRow, MetricAnswer, MixParts } from '../lib/types'

const share = (key: string, label: string, wide = false): Column<AlignmentRow> => ({
	key, label, term: key, align: 'right', wide, sort: row => (row.metrics[key]?.value == null ? null : Number(row.metrics[key]?.value)),
	cell: row => <MetricCell row={row.metrics[key]} text={value => percent(value)} />
})

export default function Segments() {
	const filters = useFilters()
	const label = useLabels()
	const answer = useAnswer<AlignmentAnswer>({ path: '/v1/alignment', query: { by: 'segment', ...filters } })
	const mix = useAnswer<MetricAnswer<MixParts>>({ path: '/v1/metrics/segment_mix', query: filters })
	const hours = useAnswer<MetricAnswer<MixParts>>({ path: '/v1/metrics/segment_mix', query: { ...filters, weight: 'hours' } })
	const rows = places(mix.data?.total.parts.keys ?? [], hours.data?.total.parts.keys ?? [])
	const columns = (currency: string | null): Column<AlignmentRow>[] => [
		{ key: 'segment', label: 'Segment', sort: row => row.label ?? row.key, cell: row => (row.key === 'total' ? row.label : <SegmentLink id={row.key}>{row.label ?? row.key}</SegmentLink>) },
		{ key: 'won', label: 'Won', align: 'right', sort: row => Number(row.metrics['bookings_share']?.denominator ?? 0), cell: row => money(row.metrics['bookings_share']?.denominator, currency) },
		share('bookings_share', 'On strategy'),
		share('open_pipeline_share', 'Pipeline', true),
		share('selling_time_share', 'Time'),
		share('product_mix', 'Product gap', true),
		share('opportunistic', 'Opportunistic', true)
	]
	return (
		<>
			<PageHead title="Segments" lead={`Which markets the money comes from and where the selling hours go. ${periodName(filters['period']!)}.`} />
			<div class="stack">
				<Answered answer={mix} what="Adding up money and hours">
					{() => rows.length === 0 ? <Empty title="Nothing won and no hours in this period">Pick another period or team.</Empty> : (
						<Figure title="Money and hours against the plan" request={mix.request} lead="A bar past its plumb line: more than was planned. Hours longer than money: a market that costs more than it brings."
							table={<MoneyAndHoursTable rows={rows} label={label} />}>
							<MoneyAndHours rows={rows} label={label} />
						</Figure>
					)}
				</Answered>
				<Answered answer={answer} what="Judging every segment">
					{data => data.rows.length === 0 ? null : (
						<Figure title="Within each segment" request={answer.request} lead="Also in the right market there are accounts that do not fit: of what was won, open and worked on in a segment, the part with accounts that do.">
							<DataTable caption="Alignment by segment" rows={data.rows} rowKey={row => row.key} sortBy="-won" muted={row => row.metrics['bookings_share']?.low_n ?? false}
								columns={columns(data.currency)} total={{ key: 'total', label: 'All', metrics: data.total.metrics }} />
						</Figure>
					)}
				</Answered>
			</div>
		</>
	)
}
