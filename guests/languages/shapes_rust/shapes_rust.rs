//! The interface bulkhead:shapes/shapes in Rust, through wit-bindgen.
wit_bindgen::generate!({ path: "../shapes.wit", world: "guest" });

use bulkhead::shapes::watcher;
use exports::bulkhead::shapes::shapes::{Canvas, Colour, Guest, GuestCanvas, Point, Shape, Style};
use std::cell::Cell;

struct Shapes;
export!(Shapes);

fn area_of(shape: &Shape) -> Result<f64, String> {
    match shape {
        Shape::Nothing => Ok(0.0),
        Shape::Circle(radius) if *radius < 0.0 => Err("a negative radius".into()),
        Shape::Circle(radius) => Ok(radius * radius * 3.0),
        Shape::Box((width, height)) => Ok(width * height),
        Shape::Polygon(points) if points.len() < 3 => Err("a polygon with too few corners".into()),
        Shape::Polygon(points) => {
            let next = points.iter().cycle().skip(1);
            let twice: f64 = points
                .iter()
                .zip(next)
                .map(|(a, b)| a.x * b.y - b.x * a.y)
                .sum();
            Ok(twice.abs() / 2.0)
        }
    }
}

struct Drawn {
    name: String,
    count: Cell<u32>,
    total: Cell<f64>,
}

impl GuestCanvas for Drawn {
    fn new(name: String) -> Self {
        Drawn {
            name,
            count: Cell::new(0),
            total: Cell::new(0.0),
        }
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn add(&self, shape: Shape) -> Result<u32, String> {
        let area = area_of(&shape)?;
        let more = watcher::added(&self.name, area)?;
        self.total.set(self.total.get() + area + more);
        self.count.set(self.count.get() + 1);
        Ok(self.count.get())
    }

    fn total(&self) -> f64 {
        self.total.get()
    }

    fn merge(a: Canvas, b: Canvas) -> Canvas {
        let (a, b): (Drawn, Drawn) = (a.into_inner(), b.into_inner());
        Canvas::new(Drawn {
            name: format!("{}+{}", a.name, b.name),
            count: Cell::new(a.count.get() + b.count.get()),
            total: Cell::new(a.total.get() + b.total.get()),
        })
    }
}

impl Guest for Shapes {
    type Canvas = Drawn;

    fn area(shape: Shape) -> Result<f64, String> {
        area_of(&shape)
    }

    fn centre(points: Vec<Point>) -> Option<Point> {
        let count = points.len() as f64;
        let sum = points
            .iter()
            .fold((0.0, 0.0), |(x, y), p| (x + p.x, y + p.y));
        (!points.is_empty()).then(|| Point {
            x: sum.0 / count,
            y: sum.1 / count,
        })
    }

    fn describe(shape: Shape, colour: Colour, style: Style, label: Option<String>) -> String {
        let colour = match colour {
            Colour::Red => "red",
            Colour::Green => "green",
            Colour::Blue => "blue",
        };
        let shape = match shape {
            Shape::Nothing => "nothing",
            Shape::Circle(_) => "circle",
            Shape::Box(_) => "box",
            Shape::Polygon(_) => "polygon",
        };
        let mut text = String::new();
        for (flag, word) in [
            (Style::FILLED, "filled "),
            (Style::DASHED, "dashed "),
            (Style::SHADOW, "shadow "),
        ] {
            if style.contains(flag) {
                text += word;
            }
        }
        text += &format!("{colour} {shape}");
        if let Some(label) = label {
            text += &format!(" \"{label}\"");
        }
        text
    }

    fn reverse(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.reverse();
        bytes
    }

    fn words(text: String) -> Vec<(String, u32)> {
        text.split_whitespace()
            .map(|word| (word.to_owned(), word.chars().count() as u32))
            .collect()
    }

    fn next(letter: char, up: bool) -> Option<char> {
        let number = letter as u32;
        char::from_u32(if up {
            number.checked_add(1)?
        } else {
            number.checked_sub(1)?
        })
    }

    fn sum(a: i8, b: u16, c: i32, d: u64, e: f32) -> (i64, u8) {
        let sum = i64::from(a) + i64::from(b) + i64::from(c) + d as i64 + e as i64;
        (sum, sum as u8)
    }
}
