// What a rep's figures are made of: deals, hours and the accounts that wait.
import { count, date, exact, hours, money } from '../../lib/format'
import { AccountLink, DealLink } from '../links'
import { DataTable } from '../table'

export interface Deal {
	id: string
	name: string | null
	outcome: string
	account: string | null
	segment: string | null
	tier: string | null
	reason: string | null
	at: string
	money: string | null
}

export interface AccountHours {
	account: string
	name: string | null
	segment: string | null
	tier: string | null
	hours: number
	activities: number
}

export interface WaitingAccount {
	id: string
	name: string | null
	status: string | null
	segment: string | null
	tier: string | null
	is_target: boolean | null
	potential: string | number | null
	score: number | null
	last_activity_at: string | null
}

type Label = (key: string) => string
const named = (label: Label, key: string | null) => (key === null ? '' : label(key))

export function Deals({ rows, label, currency }: { rows: Deal[]; label: Label; currency: string | null }) {
	return (
		<DataTable caption="Largest deals off strategy" rows={rows} rowKey={row => row.id} columns={[
			{ key: 'name', label: 'Deal', sort: row => row.name, cell: row => <DealLink id={row.id}>{row.name ?? row.id}</DealLink> },
			{ key: 'outcome', label: 'Outcome', sort: row => row.outcome, cell: row => row.outcome },
			{ key: 'money', label: 'Money', align: 'right', sort: row => (row.money === null ? null : Number(row.money)), cell: row => <span title={exact(row.money, currency)}>{money(row.money, currency)}</span> },
			{ key: 'tier', label: 'Tier', wide: true, sort: row => row.tier, cell: row => named(label, row.tier) },
			{ key: 'at', label: 'Judged', wide: true, align: 'right', sort: row => row.at, cell: row => date(row.at) }
		]} />
	)
}

export function Hours({ rows, label }: { rows: AccountHours[]; label: Label }) {
	return (
		<DataTable caption="Hours off strategy, by account" rows={rows} rowKey={row => row.account} columns={[
			{ key: 'name', label: 'Account', sort: row => row.name, cell: row => <AccountLink id={row.account}>{row.name ?? row.account}</AccountLink> },
			{ key: 'hours', label: 'Hours', align: 'right', sort: row => row.hours, cell: row => hours(row.hours) },
			{ key: 'activities', label: 'Activities', align: 'right', sort: row => row.activities, cell: row => count(row.activities) },
			{ key: 'tier', label: 'Tier', wide: true, sort: row => row.tier, cell: row => named(label, row.tier) }
		]} />
	)
}

export function Waiting({ rows, label }: { rows: WaitingAccount[]; label: Label }) {
	return (
		<DataTable caption="On-strategy accounts that wait" rows={rows} rowKey={row => row.id} columns={[
			{ key: 'name', label: 'Account', sort: row => row.name, cell: row => <><AccountLink id={row.id}>{row.name ?? row.id}</AccountLink>{row.is_target && <span class="tag">target</span>}</> },
			{ key: 'segment', label: 'Segment', sort: row => row.segment, cell: row => named(label, row.segment) },
			{ key: 'score', label: 'Fit', align: 'right', sort: row => row.score, cell: row => count(row.score) },
			{ key: 'last', label: 'Last activity', align: 'right', sort: row => row.last_activity_at, cell: row => (row.last_activity_at ? date(row.last_activity_at) : 'never') }
		]} />
	)
}
