import { render } from 'preact'
import './lib/theme'
import './styles/index.css'
import { App } from './app'
import { currentLocation, match } from './lib/router'
import { begin } from './lib/session'
import { pages } from './pages'

void begin()
// The page's file is fetched while the session is asked for.
const { path } = currentLocation()
void pages.find(page => match(page.path, path))?.load().catch(() => null)
render(<App />, document.getElementById('app')!)
