// The map of the dashboard: a page is one file in pages/ and one line here. docs/dashboard.md says how to add one.
import type { ComponentType } from 'preact'
import type { FilterName } from './components/filters'
import type { Session } from './lib/types'
import Account from './pages/account'
import Accounts from './pages/accounts'
import Deal from './pages/deal'
import Deals from './pages/deals'
import Offer from './pages/offer'
import Quarantine from './pages/quarantine'
import QuarantineItem from './pages/quarantine-item'
import Rep from './pages/rep'
import Reps from './pages/reps'
import Segment from './pages/segment'
import Segments from './pages/segments'
import Source from './pages/source'
import Sources from './pages/sources'
import Strategies from './pages/strategies'
import Strategy from './pages/strategy'
import Summary from './pages/summary'

export interface PageProps {
	/** What the `{…}` of the path stand for. */
	params: Record<string, string>
}

export interface Page {
	path: string
	title: string
	/** Shown in the navigation; a page without it is reached from another. */
	nav?: string
	/** The page in the navigation that this one belongs to. */
	under?: string
	/** Who does not have one of these scopes does not see it. */
	scopes: readonly string[]
	filters: readonly FilterName[]
	/** Shows single reps: not there where the organisation forbids that (`rep_metrics=off`). */
	ofReps?: true
	view: ComponentType<PageProps>
}

/** Whether who is signed in may see a page of this kind. */
export const openTo = (page: Page, who: Session): boolean =>
	page.scopes.some(scope => who.scopes.includes(scope)) && !(page.ofReps && who.rep_metrics === 'off')

const ALL: readonly FilterName[] = ['period', 'compare_to', 'team']

const PERIOD_AND_TEAM: readonly FilterName[] = ['period', 'team']

export const pages: Page[] = [
	{ path: '/', title: 'Summary', nav: 'Summary', scopes: ['read'], filters: PERIOD_AND_TEAM, view: Summary },
	{ path: '/reps', title: 'Reps', nav: 'Reps', scopes: ['read'], filters: ALL, ofReps: true, view: Reps },
	{ path: '/reps/{id}', title: 'Rep', under: '/reps', scopes: ['read'], filters: ['period'], ofReps: true, view: Rep },
	{ path: '/segments', title: 'Segments', nav: 'Segments', scopes: ['read'], filters: PERIOD_AND_TEAM, view: Segments },
	{ path: '/segments/{key}', title: 'Segment', under: '/segments', scopes: ['read'], filters: PERIOD_AND_TEAM, view: Segment },
	{ path: '/offer', title: 'Products and messages', nav: 'Offer', scopes: ['read'], filters: PERIOD_AND_TEAM, view: Offer },
	{ path: '/accounts', title: 'Accounts', nav: 'Accounts', scopes: ['read'], filters: PERIOD_AND_TEAM, view: Accounts },
	{ path: '/accounts/{id}', title: 'Account', under: '/accounts', scopes: ['read'], filters: [], view: Account },
	{ path: '/deals', title: 'Deals', nav: 'Deals', scopes: ['read'], filters: PERIOD_AND_TEAM, view: Deals },
	{ path: '/deals/{id}', title: 'Deal', under: '/deals', scopes: ['read'], filters: [], view: Deal },
	{ path: '/strategies', title: 'Strategy', nav: 'Strategy', scopes: ['read', 'strategy'], filters: [], view: Strategies },
	{ path: '/strategies/{id}', title: 'Strategy', under: '/strategies', scopes: ['read', 'strategy'], filters: [], view: Strategy },
	{ path: '/sources', title: 'Sources', nav: 'Sources', scopes: ['admin'], filters: [], view: Sources },
	{ path: '/sources/{source}', title: 'Source', under: '/sources', scopes: ['admin'], filters: [], view: Source },
	{ path: '/quarantine', title: 'Quarantine', nav: 'Quarantine', scopes: ['admin'], filters: [], view: Quarantine },
	{ path: '/quarantine/{id}', title: 'Quarantine', under: '/quarantine', scopes: ['admin'], filters: [], view: QuarantineItem }
]
