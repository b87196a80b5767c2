// Links to things by their id. Where no page shows them (yet, or not to this key) the name alone stands there.
import type { ComponentChildren } from 'preact'
import { match } from '../lib/router'
import { session } from '../lib/session'
import { openTo, pages } from '../pages'
import { PageLink } from './basics'

/** Whether there is a page at this path for who is signed in. */
export function hasPage(path: string): boolean {
	const who = session.get()
	return !!who && pages.some(page => match(page.path, path) !== null && openTo(page, who))
}

function Linked({ kind, id, children }: { kind: string; id: string | null | undefined; children?: ComponentChildren }) {
	const path = `/${kind}/${encodeURIComponent(id ?? '')}`
	return id && id !== '__none__' && hasPage(path) ? <PageLink to={path}>{children ?? id}</PageLink> : <>{children ?? id}</>
}

interface Props {
	id: string | null | undefined
	children?: ComponentChildren
}

export const RepLink = (props: Props) => <Linked kind="reps" {...props} />
export const DealLink = (props: Props) => <Linked kind="deals" {...props} />
export const AccountLink = (props: Props) => <Linked kind="accounts" {...props} />
export const SegmentLink = (props: Props) => <Linked kind="segments" {...props} />
export const StrategyLink = (props: Props) => <Linked kind="strategies" {...props} />
