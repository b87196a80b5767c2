// The frame of every page: who is signed in, where one is, what is filtered.
import { useEffect, useState } from 'preact/hooks'
import { classes, Empty, Loading } from './components/basics'
import { Boundary } from './components/boundary'
import { Filters } from './components/filters'
import { SignIn } from './components/sign-in'
import { Problem } from './lib/api'
import { href, match, useLocation } from './lib/router'
import { session, signOut } from './lib/session'
import { useStore } from './lib/store'
import { choose, theme, type Theme } from './lib/theme'
import type { Session } from './lib/types'
import { openTo, pages, type Page } from './pages'

export function App() {
	const who = useStore(session)
	if (who === undefined) return <main class="page"><Loading /></main>
	return who === null ? <SignIn /> : <Frame who={who} />
}

function Frame({ who }: { who: Session }) {
	const { path } = useLocation()
	const visible = pages.filter(page => openTo(page, who))
	const page = visible.find(candidate => match(candidate.path, path)) ?? (path === '/' ? visible[0] : undefined)
	useEffect(() => {
		document.title = page ? `${page.title} · Plumbline` : 'Plumbline'
	}, [page])
	return (
		<>
			<a class="skip" href="#main" onClick={event => { event.preventDefault(); document.getElementById('main')?.focus() }}>Skip to the content</a>
			<header class="top">
				<div class="top-row">
					<a class="brand" href={href('/')}><Plumb /> Plumbline</a>
					<nav class="nav" aria-label="Pages">
						{visible.filter(({ nav }) => nav).map(({ path: to, nav }) => (
							<a key={to} href={href(to)} aria-current={page?.path === to || page?.under === to ? 'page' : undefined}>{nav}</a>
						))}
					</nav>
					<Account who={who} />
				</div>
				{page && page.filters.length > 0 && <Filters names={page.filters} />}
			</header>
			<main id="main" class="page" tabIndex={-1}>
				{page ? <Shown key={page.path} page={page} params={match(page.path, path) ?? {}} /> : <NoPage />}
			</main>
		</>
	)
}

function Shown({ page, params }: { page: Page; params: Record<string, string> }) {
	const View = page.view
	return <Boundary key={Object.values(params).join('/')}><View params={params} /></Boundary>
}

function NoPage() {
	return <Empty title="There is no such page"><a href={href('/')}>To the summary</a></Empty>
}

function Plumb() {
	return <svg class="plumb" viewBox="0 0 12 24" width="10" height="20" aria-hidden="true"><path d="M6 0v13" /><path class="bob" d="M1.5 13h9L6 23z" /></svg>
}

const THEMES: [Theme, string][] = [['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']]

function Account({ who }: { who: Session }) {
	const chosen = useStore(theme)
	const [problem, setProblem] = useState<string | null>(null)
	const leave = () => signOut().catch(error => setProblem(error instanceof Problem ? error.detail : String(error)))
	return (
		<details class="account">
			<summary><span class="account-org">{who.org_name || who.org}</span></summary>
			<div class="account-card">
				<p>{sees(who)}</p>
				<fieldset class="themes">
					<legend>Appearance</legend>
					{THEMES.map(([value, label]) => (
						<label key={value} class={classes(chosen === value && 'is-on')}>
							<input type="radio" name="theme" checked={chosen === value} onChange={() => choose(value)} /> {label}
						</label>
					))}
				</fieldset>
				<button type="button" class="button" onClick={leave}>Sign out</button>
				{problem && <p role="alert">{problem}</p>}
			</div>
		</details>
	)
}

function sees(who: Session): string {
	if (who.read === 'self') return 'You see your own figures.'
	if (who.read === 'team') return 'You see the figures of your team.'
	return 'You see the whole organisation.'
}
