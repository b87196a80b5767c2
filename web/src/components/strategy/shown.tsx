// A strategy document for people: whom to sell to, what, why, and how strictly.
import { count, percent, words } from '../../lib/format'
import { PageLink } from '../basics'
import { Figure } from '../figure'
import { DataTable } from '../table'
import { Term } from '../term'
import { inWords, type Strategy } from './document'

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function Segments({ strategy }: { strategy: Strategy }) {
	return (
		<DataTable caption="Segments" rows={strategy.segments} rowKey={row => row.key} columns={[
			{ key: 'segment', label: 'Segment', cell: row => row.label ?? row.key },
			{ key: 'when', label: 'Accounts whose', cell: row => row.when.map(rule => inWords(rule)).join('; ') },
			{ key: 'bookings', label: 'Of money', align: 'right', cell: row => percent(row.target?.bookings ?? null) },
			{ key: 'time', label: 'Of hours', align: 'right', cell: row => percent(row.target?.time ?? null) }
		]} />
	)
}

function Criteria({ strategy }: { strategy: Strategy }) {
	const { criteria, required = [] } = strategy.fit
	return (
		<DataTable caption="Ideal client" rows={criteria} rowKey={row => row.key} columns={[
			{ key: 'criterion', label: 'Criterion', cell: row => <>{capital(words(row.key))}{required.includes(row.key) && <span class="hint"> required</span>}</> },
			{ key: 'match', label: 'Full or part score', cell: row => <ul>{row.match.map(rule => <li key={inWords(rule, row.attr)}>{inWords(rule, row.attr)}<span class="hint"> {count(Number(rule['score'] ?? 1), 2)}</span></li>)}</ul> },
			{ key: 'weight', label: 'Weight', align: 'right', cell: row => count(row.weight, 2) }
		]} />
	)
}

function Mix({ rows, caption }: { rows: { label: string; target: number | null }[]; caption: string }) {
	return (
		<DataTable caption={caption} rows={rows} rowKey={row => row.label} columns={[
			{ key: 'label', label: caption, cell: row => row.label },
			{ key: 'target', label: 'Plan', align: 'right', cell: row => percent(row.target) }
		]} />
	)
}

function Thresholds({ strategy }: { strategy: Strategy }) {
	return (
		<ul class="rules">
			{(strategy.thresholds ?? []).map(({ metric, by, warn, fail, direction }) => (
				<li key={metric + by}><Term metric={metric} /> by {by}: watch {direction === 'lower' ? 'above' : 'below'} {warn ?? '–'}, off target {direction === 'lower' ? 'above' : 'below'} {fail ?? '–'}</li>
			))}
			{strategy.opportunistic?.limit !== undefined && <li>Opportunistic business: at most {percent(strategy.opportunistic.limit)} of the money won. <PageLink to="/">See how much is left</PageLink></li>}
		</ul>
	)
}

export function StrategyShown({ strategy }: { strategy: Strategy }) {
	const { fit, products, messages } = strategy
	return (
		<>
			<Figure title="Where to sell" lead="The first segment whose rules an account meets is its own; what meets none is in no plan."><Segments strategy={strategy} /></Figure>
			<Figure title="To whom" lead={`A score of 0 to 100, the weighted mean of the criteria. ${fit.tiers.map(({ key, min, on_strategy }) => `${capital(key)} from ${min}${on_strategy ? ', on strategy' : ''}`).join('; ')}.`}>
				<Criteria strategy={strategy} />
				{(fit.disqualify ?? []).length > 0 && <p class="hint">Never: {fit.disqualify!.map(rule => inWords(rule)).join('; ')}.</p>}
			</Figure>
			<div class="columns">
				{products && <Figure title="What to sell"><Mix caption="Product family" rows={Object.entries(products).map(([label, target]) => ({ label: capital(label), target }))} /></Figure>}
				{messages && messages.length > 0 && <Figure title="Why to buy"><Mix caption="Value message" rows={messages.map(({ key, label, target }) => ({ label: label ?? key, target: target ?? null }))} /></Figure>}
			</div>
			{((strategy.thresholds ?? []).length > 0 || strategy.opportunistic) && <Figure title="How strictly"><Thresholds strategy={strategy} /></Figure>}
		</>
	)
}
