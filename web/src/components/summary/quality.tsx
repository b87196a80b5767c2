// What the data leaves open, so that nobody trusts a figure more than it can bear.
import type { ComponentChildren } from 'preact'
import { count, hours, money, percent } from '../../lib/format'
import type { Row } from '../../lib/types'
import { DataTable } from '../table'

interface Issue {
	key: string
	text: string
	n: number
	more: string
}

const WORDS: [path: string, text: string][] = [
	['unknown.low_coverage', 'Deals whose account says too little about itself to be judged'],
	['unknown.no_account', 'Deals without an account'],
	['unknown.no_attributes', 'Deals with an account nothing is known of'],
	['unknown.no_strategy', 'Deals from before any strategy'],
	['unpriced', 'Deals in a currency without a rate'],
	['no_amount', 'Deals without an amount'],
	['no_owner', 'Deals without an owner'],
	['unattributed_hours', 'Activities that belong to no account'],
	['estimated_hours', 'Activities whose length is estimated'],
	['stale_no_activity', 'Open deals nobody touches'],
	['stale_expected_close', 'Open deals that should have closed by now'],
	['quarantine_open', 'Items in quarantine'],
	['late_events', 'Events that came more than a day late']
]

function issues(row: Row, currency: string | null): Issue[] {
	return WORDS.map(([path, text]) => {
		const found = path.split('.').reduce((part: any, name) => part?.[name], row.parts)
		const more = found?.amount !== undefined ? money(found.amount, currency) : found?.hours !== undefined ? hours(found.hours) : ''
		return { key: path, text, n: Number(found?.n ?? 0), more }
	})
}

export function Quality({ row, currency, link }: { row: Row; currency: string | null; link?: (key: string, text: string) => ComponentChildren }) {
	const open = issues(row, currency).filter(issue => issue.n > 0).sort((a, b) => b.n - a.n)
	const share = row.forms['fraction'] as { value: number | null; numerator: number; denominator: number } | undefined
	return (
		<div class="quality">
			<p>{open.length === 0 ? 'Nothing is left open.' : <><strong>{percent(share?.value ?? null)}</strong> of {count(share?.denominator ?? null)} deals and activities leave something open.</>}</p>
			<ul>
				{open.map(issue => (
					<li key={issue.key}><span class="quality-n">{count(issue.n)}</span><span>{link?.(issue.key, issue.text) ?? issue.text}{issue.more && <span class="budget-means"> {issue.more}</span>}</span></li>
				))}
			</ul>
		</div>
	)
}

export function QualityTable({ row, currency }: { row: Row; currency: string | null }) {
	return (
		<DataTable caption="What the data leaves open" rows={issues(row, currency)} rowKey={issue => issue.key} columns={[
			{ key: 'what', label: 'What', cell: issue => issue.text },
			{ key: 'n', label: 'How many', align: 'right', sort: issue => issue.n, cell: issue => count(issue.n) },
			{ key: 'more', label: 'Worth', align: 'right', cell: issue => issue.more }
		]} />
	)
}
