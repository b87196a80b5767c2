// One page for the one who answers for the strategy: plan against field, who and what makes the difference, what the figures rest on.
import { Answered, Empty, PageLink } from '../components/basics'
import { Figure } from '../components/figure'
import { hasPage } from '../components/links'
import { FlowLegend, MixFlow } from '../components/mix-flow'
import { MixRows, MixTable } from '../components/mix'
import { Budget, BudgetTable } from '../components/summary/budget'
import { IndexParts } from '../components/summary/index-parts'
import { Quality, QualityTable } from '../components/summary/quality'
import { Rates, RatesTable } from '../components/summary/rates'
import { Setters, SettersTable, type SettersAnswer } from '../components/summary/setters'
import { verdict } from '../components/summary/verdict'
import { Term } from '../components/term'
import type { Request } from '../lib/api'
import { useAnswer } from '../lib/answers'
import { useFilters, type Filters } from '../lib/filters'
import { date, percent, points, why } from '../lib/format'
import { useLabels } from '../lib/labels'
import { lastDay, periodName, yearUpTo } from '../lib/periods'
import type { MetricAnswer, Row, Terms } from '../lib/types'

interface Summary extends Terms {
	strategy: { id: string; name: string; effective_from: string } | null
	alignment_index: Row
	bookings_share: Row
	segment_mix: Row
	product_mix: Row
	win_rate: Row
	opportunistic: Row
	data_quality: Row
	strategy_setters: { by: 'rep' | 'team'; segment: SettersAnswer; product: SettersAnswer }
}

interface Props {
	summary: Summary
	label: (key: string) => string
	/** The request for one of the metrics alone: its CSV holds what the summary shows of it. */
	metric: (key: string, query?: Filters) => Request
	request: Request | null
}

function Head({ summary, label }: Pick<Props, 'summary' | 'label'>) {
	const { segment_mix, bookings_share, currency, strategy } = summary
	const when = `${periodName(summary.params['period'])} · ${date(summary.params['start'])} to ${date(lastDay(summary.params['end']))}`
	if (!strategy || segment_mix.value === null) {
		return (
			<div class="verdict">
				<p class="crumb">{when}</p>
				<h1>{strategy ? 'There is no mix to hold against the plan yet.' : 'No strategy was in force in this period.'}</h1>
				<p class="verdict-more">{strategy ? `In this period: ${why(segment_mix.reason) || 'nothing was won'}. Pick another period, or look at the pipeline and the hours below.` : 'Publish one, or pick another period.'}</p>
			</div>
		)
	}
	const { headline, sentence, evidence } = verdict(segment_mix, bookings_share, currency, label, strategy.name)
	return (
		<div class="verdict">
			<p class="crumb">{when}</p>
			<h1>{headline}</h1>
			<p class="verdict-more">{sentence}</p>
			<p class="verdict-evidence">{evidence}</p>
		</div>
	)
}

function Picture({ summary, label, metric, request }: Props) {
	const mix = summary.segment_mix
	if (mix.value === null) return null
	return (
		<Figure title="Plan and field" request={request} csv={metric('segment_mix')} class="summary-picture"
			lead={<>Money won, by <Term metric="segment_mix">segment</Term>. What is hatched was planned and not sold; what is orange was sold instead.</>}
			table={<MixTable keys={mix.parts.keys} label={label} currency={summary.currency} />}>
			<MixFlow keys={mix.parts.keys} label={label} />
			<FlowLegend />
		</Figure>
	)
}

function Who({ summary, label, metric, request }: Props) {
	const { by, segment } = summary.strategy_setters
	if (segment.away.length + segment.back.length === 0) return null
	return (
		<Figure title={by === 'rep' ? 'Who sets the strategy' : 'Which team sets the strategy'} request={request} csv={metric('strategy_setters', { by })}
			lead={<><Term metric="strategy_setters">Points of the gap</Term> of {points(summary.segment_mix.value, 0).replace('+', '')} that each makes, the strongest five each way.</>}
			table={<SettersTable setters={segment} by={by} label={label} currency={summary.currency} />}>
			<Setters setters={segment} by={by} label={label} />
		</Figure>
	)
}

function Products({ summary, label, metric, request }: Props) {
	const mix = summary.product_mix
	return (
		<Figure title="Products" request={request} csv={metric('product_mix')}
			lead={mix.value === null ? undefined : <>{percent(mix.value)} of the money won would have to move between <Term metric="product_mix">products</Term>.</>}
			table={mix.parts?.keys && <MixTable keys={mix.parts.keys} label={label} currency={summary.currency} />}>
			{mix.value === null ? <p class="no-value">{why(mix.reason)}</p> : <MixRows keys={mix.parts.keys} label={label} currency={summary.currency} />}
		</Figure>
	)
}

function Page(props: Props) {
	const { summary, metric, request } = props
	const { currency } = summary
	const months = useAnswer<MetricAnswer>(metric('alignment_index', { period: yearUpTo(summary.params['end']), granularity: 'month' }))
	return (
		<>
			<Head {...props} />
			<div class="stack">
				<div class="summary-first">
					<Picture {...props} />
					<Figure title={<Term metric="alignment_index">Alignment</Term>} request={request} csv={metric('alignment_index')} lead="How much of what is done is on strategy.">
						<IndexParts row={summary.alignment_index} months={months.data?.rows ?? []} />
					</Figure>
				</div>
				<div class="columns">
					<div class="stack">
						<Who {...props} />
						<Figure title={<Term metric="opportunistic">Opportunistic budget</Term>} request={request} csv={metric('opportunistic')} lead="Money won off strategy: what the strategy tolerates, and what it does not."
							table={<BudgetTable row={summary.opportunistic} currency={currency} />}>
							<Budget row={summary.opportunistic} currency={currency} />
						</Figure>
					</div>
					<div class="stack">
						<Products {...props} />
						<Figure title={<Term metric="win_rate">Does it pay?</Term>} request={request} csv={metric('win_rate')} lead="Win rates of decided deals; the line is what the rate may be as well. It says what goes together, not why."
							table={<RatesTable row={summary.win_rate} />}>
							<Rates row={summary.win_rate} />
						</Figure>
					</div>
				</div>
				<Figure title={<Term metric="data_quality">What the data leaves open</Term>} request={request} csv={metric('data_quality')} table={<QualityTable row={summary.data_quality} currency={currency} />}>
					<Quality row={summary.data_quality} currency={currency} link={(key, text) => (key === 'quarantine_open' && hasPage('/quarantine') ? <PageLink to="/quarantine">{text}</PageLink> : null)} />
				</Figure>
			</div>
		</>
	)
}

export default function SummaryPage() {
	const filters = useFilters()
	const label = useLabels()
	const answer = useAnswer<Summary>({ path: '/v1/summary', query: filters })
	const metric = (key: string, query: Filters = {}): Request => ({ path: `/v1/metrics/${key}`, query: { ...filters, ...query } })
	return (
		<Answered answer={answer} what="Holding the field against the plan">
			{summary => summary.data_quality.parts === null ? <Empty title="There is nothing here yet" /> : <Page summary={summary} label={label} metric={metric} request={answer.request} />}
		</Answered>
	)
}
