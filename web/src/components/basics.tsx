// Small things that every page uses.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Problem } from '../lib/api'
import type { Answer } from '../lib/answers'
import { ago } from '../lib/format'
import { href } from '../lib/router'
import type { Row } from '../lib/types'

export const classes = (...names: (string | false | null | undefined)[]): string => names.filter(Boolean).join(' ')

export function PageLink({ to, query, children, class: name }: { to: string; query?: Record<string, unknown>; children: ComponentChildren; class?: string }) {
	return <a class={name} href={href(to, query)}>{children}</a>
}

const STATUS = {
	ok: ['●', 'On target'],
	warn: ['▲', 'Watch'],
	fail: ['■', 'Off target'],
	uncertain: ['◐', 'Uncertain'],
	near: ['▲', 'Nearly used up'],
	over: ['■', 'Over budget'],
	low: ['▲', 'Low']
} as const

/** A verdict in words and shape; colour only repeats it. */
export function Status({ status, label }: { status: string | null | undefined; label?: string }) {
	const known = status ? STATUS[status as keyof typeof STATUS] : undefined
	if (!known) return null
	return (
		<span class={`status status-${status}`}>
			<span aria-hidden="true">{known[0]}</span> {label ?? known[1]}
		</span>
	)
}

/** Marks a figure that rests on few cases; the reason is said, not only shown. */
export function SmallN({ row }: { row: Pick<Row, 'n' | 'low_n'> | null | undefined }) {
	return row?.low_n ? <span class="small-n">only {row.n ?? 0} {row.n === 1 ? 'case' : 'cases'}</span> : null
}

export function ProblemNote({ problem, again }: { problem: Problem; again?: () => void }) {
	return (
		<div class="problem" role="alert">
			<p class="problem-detail">{problem.detail}</p>
			{problem.errors.length > 0 && (
				<ul>
					{problem.errors.map(error => <li key={error.pointer + error.code}><code>{error.pointer}</code> {error.message}</li>)}
				</ul>
			)}
			<p class="problem-terms">
				<code>{problem.code}</code>
				{problem.status > 0 && ` · HTTP ${problem.status}`}
				{problem.requestId && <> · request <code>{problem.requestId}</code></>}
			</p>
			{again && <button type="button" class="button" onClick={again}>Try again</button>}
		</div>
	)
}

export function Loading({ what = 'Loading' }: { what?: string }) {
	return <p class="loading" role="status">{what}…</p>
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
	return (
		<div class="empty">
			<p class="empty-title">{title}</p>
			{children && <div class="empty-more">{children}</div>}
		</div>
	)
}

/** How old what is shown is, while something newer is fetched or could not be. */
function StaleNote({ answer }: { answer: Answer<unknown> }) {
	const [now, setNow] = useState(Date.now)
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 15_000)
		return () => clearInterval(timer)
	}, [])
	const age = answer.at === null ? '' : ago(answer.at, now)
	if (answer.error) {
		return (
			<div class="stale-note" role="alert">
				Shown is the answer of {age}. {answer.error.detail} <code>{answer.error.code}</code>{' '}
				{answer.error.requestId && <>request <code>{answer.error.requestId}</code>{' '}</>}
				<button type="button" class="link" onClick={answer.refresh}>Try again</button>
			</div>
		)
	}
	return <div class="stale-note quiet" role="status">Updating… shown is the answer of {age}.</div>
}

/** The states of a question: loading, error, what is there, and what is there but old. `children` draws the answer. */
export function Answered<T>({ answer, what, children }: { answer: Answer<T>; what?: string; children: (data: T) => ComponentChildren }) {
	const [slow, setSlow] = useState(false) // an update that takes no time needs no note
	useEffect(() => {
		setSlow(false)
		if (!answer.stale || answer.error) return
		const timer = setTimeout(() => setSlow(true), 400)
		return () => clearTimeout(timer)
	}, [answer.stale, answer.error, answer.request?.path])
	const refused = answer.error !== null && answer.error.status >= 400 && answer.error.status < 500 // an old answer would not be one to this question
	if (answer.data === null || refused) {
		if (answer.error) return <ProblemNote problem={answer.error} again={answer.refresh} />
		return <Loading what={what} />
	}
	return (
		<div class={classes('answered', slow && answer.stale && 'is-stale')} aria-busy={answer.loading}>
			{answer.stale && (slow || answer.error) && <StaleNote answer={answer} />}
			{children(answer.data)}
		</div>
	)
}
